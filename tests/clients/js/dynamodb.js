// The AWS SDK for JavaScript, version 3: the document client. Argument: a table with keys p (S) and c (N) and an index
// `by-owner` of owner (S) and c. Leaves items that the test looks at.
const assert = require('node:assert/strict')
const { DynamoDBClient } = require('@aws-sdk/client-dynamodb')
const d = require('@aws-sdk/lib-dynamodb')

const TableName = process.argv[2]
const client = d.DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint: process.env.AWS_ENDPOINT_URL, maxAttempts: 1 }),
  { marshallOptions: { removeUndefinedValues: true }, unmarshallOptions: { wrapNumbers: (n) => (n.length > 15 ? BigInt(n) : Number(n)) } })

async function main () {
  const item = {
    p: 'whole', c: 1.5, big: 12345678901234567890123456789012345678n, bytes: new Uint8Array([0, 255]), list: [1, 'two', null, { deep: [true] }],
    set: new Set(['a', 'b']), numbers: new Set([1, 2]), empty: '', nothing: undefined
  }
  await client.send(new d.PutCommand({ TableName, Item: item }))
  const got = (await client.send(new d.GetCommand({ TableName, Key: { p: 'whole', c: 1.5 } }))).Item
  delete item.nothing
  assert.deepEqual({ ...got, bytes: [...got.bytes] }, { ...item, bytes: [0, 255] })

  await client.send(new d.BatchWriteCommand({
    RequestItems: { [TableName]: [...Array(23).keys()].map((n) => ({ PutRequest: { Item: { p: 'many', c: n, owner: n % 2 ? 'odd' : 'even' } } })) }
  }))
  const seen = []
  for await (const page of d.paginateQuery({ client, pageSize: 5 }, {
    TableName, IndexName: 'by-owner', KeyConditionExpression: '#o = :o AND c > :c', ExpressionAttributeNames: { '#o': 'owner' },
    ExpressionAttributeValues: { ':o': 'odd', ':c': 4 }, ScanIndexForward: false
  })) seen.push(...page.Items.map((i) => i.c))
  assert.deepEqual(seen, [21, 19, 17, 15, 13, 11, 9, 7, 5])

  const updated = await client.send(new d.UpdateCommand({
    TableName, Key: { p: 'counter', c: 0 }, UpdateExpression: 'ADD n :one SET tags = list_append(if_not_exists(tags, :none), :tag)',
    ExpressionAttributeValues: { ':one': 1, ':none': [], ':tag': ['x'] }, ReturnValues: 'ALL_NEW'
  }))
  assert.deepEqual(updated.Attributes, { p: 'counter', c: 0, n: 1, tags: ['x'] })
  await assert.rejects(client.send(new d.UpdateCommand({
    TableName, Key: { p: 'counter', c: 0 }, UpdateExpression: 'SET n = :n', ConditionExpression: 'n = :old', ReturnValuesOnConditionCheckFailure: 'ALL_OLD',
    ExpressionAttributeValues: { ':n': 7, ':old': 6 }
  })), (e) => e.name === 'ConditionalCheckFailedException' && e.Item.n.N === '1')

  const transfer = (from) => client.send(new d.TransactWriteCommand({
    TransactItems: [
      { Update: { TableName, Key: { p: 'counter', c: 0 }, UpdateExpression: 'SET n = n + :d', ConditionExpression: 'n = :from', ExpressionAttributeValues: { ':d': 10, ':from': from } } },
      { Put: { TableName, Item: { p: 'receipt', c: from } } }]
  }))
  await assert.rejects(transfer(5), (e) => e.name === 'TransactionCanceledException' &&
    e.CancellationReasons.map((r) => r.Code).join() === 'ConditionalCheckFailed,None')
  await transfer(1)
  const both = await client.send(new d.TransactGetCommand({ TransactItems: [{ p: 'receipt', c: 1 }, { p: 'receipt', c: 5 }].map((Key) => ({ Get: { TableName, Key } })) }))
  assert.deepEqual(both.Responses.map((r) => r.Item), [{ p: 'receipt', c: 1 }, undefined])
}
main().catch((e) => { console.error(e); process.exit(1) })
