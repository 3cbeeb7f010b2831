// The AWS SDK for JavaScript, version 3: SQS and SNS. Argument: a prefix for names. Leaves a queue with one message.
const assert = require('node:assert/strict')
const q = require('@aws-sdk/client-sqs')
const n = require('@aws-sdk/client-sns')

const prefix = process.argv[2]
const options = { endpoint: process.env.AWS_ENDPOINT_URL, maxAttempts: 1 }
const sqs = new q.SQSClient(options)
const sns = new n.SNSClient(options)
const bodies = async (QueueUrl, WaitTimeSeconds = 5) =>
  ((await sqs.send(new q.ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds }))).Messages ?? []).map((m) => m.Body)

async function main () {
  const { QueueUrl } = await sqs.send(new q.CreateQueueCommand({ QueueName: prefix, Attributes: { VisibilityTimeout: '30' } }))
  const attributes = (await sqs.send(new q.GetQueueAttributesCommand({ QueueUrl, AttributeNames: ['All'] }))).Attributes
  // The SDK checks the digests of what it sends and receives.
  await sqs.send(new q.SendMessageCommand({
    QueueUrl, MessageBody: 'bödy', MessageAttributes: { k: { DataType: 'Binary', BinaryValue: new Uint8Array([0, 1]) } }
  }))
  const [m] = (await sqs.send(new q.ReceiveMessageCommand({ QueueUrl, MessageAttributeNames: ['All'], WaitTimeSeconds: 5 }))).Messages
  assert.equal(m.Body, 'bödy')
  assert.deepEqual([...m.MessageAttributes.k.BinaryValue], [0, 1])
  await sqs.send(new q.ChangeMessageVisibilityCommand({ QueueUrl, ReceiptHandle: m.ReceiptHandle, VisibilityTimeout: 0 }))
  const [again] = (await sqs.send(new q.ReceiveMessageCommand({ QueueUrl, WaitTimeSeconds: 5, MessageSystemAttributeNames: ['ApproximateReceiveCount'] }))).Messages
  assert.equal(again.Attributes.ApproximateReceiveCount, '2')
  await sqs.send(new q.DeleteMessageCommand({ QueueUrl, ReceiptHandle: again.ReceiptHandle }))
  const batch = await sqs.send(new q.SendMessageBatchCommand({ QueueUrl, Entries: [{ Id: 'a', MessageBody: 'a' }, { Id: 'b', MessageBody: '\u0000' }] }))
  assert.deepEqual([batch.Successful.map((e) => e.Id), batch.Failed.map((e) => e.Code)], [['a'], ['InvalidMessageContents']])
  assert.deepEqual(await bodies(QueueUrl), ['a'])
  await assert.rejects(sqs.send(new q.GetQueueUrlCommand({ QueueName: prefix + '-none' })), { name: 'QueueDoesNotExist' })

  // A FIFO topic that fans out to a FIFO queue, filtered.
  const fifo = (await sqs.send(new q.CreateQueueCommand({ QueueName: prefix + '.fifo', Attributes: { FifoQueue: 'true' } }))).QueueUrl
  const arn = attributes.QueueArn + '.fifo'
  const { TopicArn } = await sns.send(new n.CreateTopicCommand({ Name: prefix + '.fifo', Attributes: { FifoTopic: 'true', ContentBasedDeduplication: 'true' } }))
  await sqs.send(new q.SetQueueAttributesCommand({
    QueueUrl: fifo,
    Attributes: {
      Policy: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Principal: { Service: 'sns.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: arn, Condition: { ArnEquals: { 'aws:SourceArn': TopicArn } } }]
      })
    }
  }))
  await sns.send(new n.SubscribeCommand({ TopicArn, Protocol: 'sqs', Endpoint: arn, Attributes: { RawMessageDelivery: 'true', FilterPolicy: '{"kind":["wanted"]}' } }))
  const publish = (Message, kind) => sns.send(new n.PublishCommand({ TopicArn, Message, MessageGroupId: 'g', MessageAttributes: { kind: { DataType: 'String', StringValue: kind } } }))
  await publish('1', 'wanted')
  await publish('2', 'other')
  await publish('1', 'wanted') // the same again
  const many = await sns.send(new n.PublishBatchCommand({
    TopicArn, PublishBatchRequestEntries: ['3', '4'].map((Message) => ({ Id: Message, Message, MessageGroupId: 'g', MessageAttributes: { kind: { DataType: 'String', StringValue: 'wanted' } } }))
  }))
  assert.equal(many.Successful.length, 2)
  assert.deepEqual(await bodies(fifo), ['1', '3', '4'])
  await sns.send(new n.DeleteTopicCommand({ TopicArn }))
  await assert.rejects(publish('5', 'wanted'), { name: 'NotFoundException' })
  await sqs.send(new q.DeleteQueueCommand({ QueueUrl: fifo }))
  await sqs.send(new q.SendMessageCommand({ QueueUrl, MessageBody: 'left for the test' }))
}
main().catch((e) => { console.error(e); process.exit(1) })
