// sqs-consumer. Arguments: a queue of single messages (visibility 30 s, dead-letter queue after 2 receives) and a queue for
// batches, both filled by the test. Ends when all is handled; prints what it handled, in order.
const { Consumer } = require('sqs-consumer')
const { SQSClient } = require('@aws-sdk/client-sqs')

const [single, batched] = process.argv.slice(2)
const sqs = new SQSClient({ endpoint: process.env.AWS_ENDPOINT_URL, maxAttempts: 1 })
const handled = { single: [], failed: [], batches: [], errors: [] }
const common = { sqs, waitTimeSeconds: 2, suppressFifoWarning: true, strictReturn: false }

const one = Consumer.create({
  ...common,
  queueUrl: single,
  batchSize: 4,
  // A failing handler makes the message visible at once, so that it comes again without its 30 s.
  terminateVisibilityTimeout: true,
  messageSystemAttributeNames: ['ApproximateReceiveCount'],
  handleMessage: async (m) => {
    if (m.Body === 'fails once' && m.Attributes.ApproximateReceiveCount === '1') { handled.failed.push(m.Body); throw new Error('once') }
    if (m.Body === 'fails always') { handled.failed.push(m.Body); throw new Error('always') }
    handled.single.push(m.Body)
    return m
  }
})
const many = Consumer.create({
  ...common,
  queueUrl: batched,
  batchSize: 10,
  visibilityTimeout: 20,
  heartbeatInterval: 5,
  // Only what is returned is acknowledged.
  handleMessageBatch: async (messages) => {
    handled.batches.push(messages.map((m) => m.Body))
    return messages.filter((m) => m.Body !== 'kept')
  }
})
const started = Date.now()
for (const c of [one, many]) {
  c.on('error', (e) => handled.errors.push(String(e)))
  c.start()
}
const timer = setInterval(() => {
  const done = handled.single.length >= 6 && handled.failed.length >= 3 && handled.batches.flat().length >= 12
  if (!done && Date.now() - started < 20_000) return
  clearInterval(timer)
  // What was handled is deleted a moment after its handler returned.
  setTimeout(() => {
    for (const c of [one, many]) c.stop({ abort: true })
    console.log(JSON.stringify(handled))
  }, 300)
}, 50)
