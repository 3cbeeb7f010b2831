// dynamodb-toolbox, a document mapper. Argument: a table with keys p (S) and c (S) and an index `by-state` of state (S) and c.
const assert = require('node:assert/strict')
const { DynamoDBClient } = require('@aws-sdk/client-dynamodb')
const { DynamoDBDocumentClient } = require('@aws-sdk/lib-dynamodb')
const t = require('dynamodb-toolbox')
const { execute } = require('dynamodb-toolbox/entity/actions/transactWrite')

const table = new t.Table({
  name: process.argv[2],
  documentClient: DynamoDBDocumentClient.from(new DynamoDBClient({ endpoint: process.env.AWS_ENDPOINT_URL, maxAttempts: 1 })),
  partitionKey: { name: 'p', type: 'string' },
  sortKey: { name: 'c', type: 'string' },
  indexes: { 'by-state': { type: 'global', partitionKey: { name: 'state', type: 'string' }, sortKey: { name: 'c', type: 'string' } } }
})
const Order = new t.Entity({
  name: 'Order',
  table,
  schema: t.item({
    customer: t.string().key().savedAs('p'),
    number: t.string().key().savedAs('c'),
    state: t.string().enum('open', 'paid').default('open'),
    total: t.number(),
    lines: t.list(t.map({ sku: t.string(), count: t.number() })).optional()
  })
})
const Customer = new t.Entity({
  name: 'Customer',
  table,
  schema: t.item({ name: t.string().key().savedAs('p'), kind: t.string().const('customer').key().savedAs('c').default('customer'), spent: t.number() })
})

async function main () {
  await Customer.build(t.PutItemCommand).item({ name: 'ann', kind: 'customer', spent: 0 }).send()
  for (let n = 0; n < 5; n++) {
    await Order.build(t.PutItemCommand).item({ customer: 'ann', number: `o${n}`, total: n * 10, lines: [{ sku: 'x', count: n }] }).send()
  }
  // Creating what exists fails, and changes nothing.
  await assert.rejects(
    Order.build(t.PutItemCommand).item({ customer: 'ann', number: 'o1', total: 99 }).options({ condition: { attr: 'number', exists: false } }).send(),
    { name: 'ConditionalCheckFailedException' })
  const { Item } = await Order.build(t.GetItemCommand).key({ customer: 'ann', number: 'o1' }).options({ consistent: true }).send()
  assert.equal(Item.total, 10)
  assert.deepEqual(Item.lines, [{ sku: 'x', count: 1 }])

  const updated = await Order.build(t.UpdateItemCommand)
    .item({ customer: 'ann', number: 'o1', state: 'paid', total: t.$add(5), lines: t.$append([{ sku: 'y', count: 2 }]) })
    .options({ returnValues: 'ALL_NEW', condition: { attr: 'state', eq: 'open' } }).send()
  assert.equal(updated.Attributes.total, 15)
  assert.equal(updated.Attributes.lines.length, 2)
  await assert.rejects(
    Order.build(t.UpdateItemCommand).item({ customer: 'ann', number: 'o1', total: t.$add(5) }).options({ condition: { attr: 'state', eq: 'open' } }).send(),
    { name: 'ConditionalCheckFailedException' })

  const open = await table.build(t.QueryCommand).query({ index: 'by-state', partition: 'open', range: { gte: 'o2' } })
    .entities(Order).options({ reverse: true, filters: { Order: { attr: 'total', lt: 40 } } }).send()
  assert.deepEqual(open.Items.map((i) => i.number), ['o3', 'o2'])

  // Paying: two items or none.
  const pay = (number) => execute(
    Order.build(t.UpdateTransaction).item({ customer: 'ann', number, state: 'paid' }).options({ condition: { attr: 'state', eq: 'open' } }),
    Customer.build(t.UpdateTransaction).item({ name: 'ann', kind: 'customer', spent: t.$add(20) }))
  await pay('o2')
  await assert.rejects(pay('o2'), { name: 'TransactionCanceledException' })
  await Order.build(t.DeleteItemCommand).key({ customer: 'ann', number: 'o4' }).send()
  const all = await table.build(t.ScanCommand).entities(Order, Customer).send()
  assert.equal(all.Items.length, 5)
}
main().catch((e) => { console.error(e); process.exit(1) })
