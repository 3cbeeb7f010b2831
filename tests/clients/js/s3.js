// The AWS SDK for JavaScript, version 3: S3. Arguments: bucket. Leaves objects that the test looks at.
const assert = require('node:assert/strict')
const crypto = require('node:crypto')
const { Readable } = require('node:stream')
const { pipeline } = require('node:stream/promises')
const s3 = require('@aws-sdk/client-s3')
const { Upload } = require('@aws-sdk/lib-storage')
const { getSignedUrl } = require('@aws-sdk/s3-request-presigner')

const Bucket = process.argv[2]
const client = new s3.S3Client({ endpoint: process.env.AWS_ENDPOINT_URL, forcePathStyle: true, maxAttempts: 1 })
const code = (promise) => promise.then(() => 'no error', (e) => e.name)

// Bytes that the same seed makes again, in parts.
function * bytes (size, seed) {
  const cipher = crypto.createCipheriv('aes-128-ctr', Buffer.alloc(16, seed), Buffer.alloc(16))
  for (let left = size; left > 0; left -= 65536) yield cipher.update(Buffer.alloc(Math.min(left, 65536)))
}
async function digest (stream) {
  const hash = crypto.createHash('sha256')
  await pipeline(stream, hash)
  return hash.digest('hex')
}

async function main () {
  // A body and its metadata. By default the SDK sends a CRC-32 in a trailer and checks it when reading.
  await client.send(new s3.PutObjectCommand({ Bucket, Key: 'a/ü +%.txt', Body: 'some text', ContentType: 'text/own', Metadata: { colour: 'blue' } }))
  const got = await client.send(new s3.GetObjectCommand({ Bucket, Key: 'a/ü +%.txt' }))
  assert.equal(await got.Body.transformToString(), 'some text')
  assert.equal(got.ContentType, 'text/own')
  assert.deepEqual(got.Metadata, { colour: 'blue' })
  assert.ok(got.ChecksumCRC32, 'it was kept')

  // A stream of a known length, chunked and with a trailer; read back as a stream.
  const size = 3_000_001
  await client.send(new s3.PutObjectCommand({
    Bucket, Key: 'stream', Body: Readable.from(bytes(size, 1)), ContentLength: size, ChecksumAlgorithm: 'SHA256'
  }))
  const streamed = await client.send(new s3.GetObjectCommand({ Bucket, Key: 'stream', ChecksumMode: 'ENABLED' }))
  assert.equal(await digest(streamed.Body), await digest(Readable.from(bytes(size, 1))))
  assert.ok(streamed.ChecksumSHA256)
  const range = await client.send(new s3.GetObjectCommand({ Bucket, Key: 'stream', Range: 'bytes=-5' }))
  assert.equal((await range.Body.transformToByteArray()).length, 5)

  // lib-storage: a stream of unknown length, in parts; and one that is aborted leaves nothing.
  const large = 17 * 1024 * 1024
  const seen = []
  const upload = new Upload({ client, params: { Bucket, Key: 'upload', Body: Readable.from(bytes(large, 2)) }, queueSize: 3, partSize: 5 << 20 })
  upload.on('httpUploadProgress', (p) => seen.push(p.part))
  const uploaded = await upload.done()
  assert.match(uploaded.ETag, /-4"$/)
  assert.deepEqual([...seen].sort(), [1, 2, 3, 4])
  const whole = await client.send(new s3.GetObjectCommand({ Bucket, Key: 'upload' }))
  assert.equal(await digest(whole.Body), await digest(Readable.from(bytes(large, 2))))
  const aborted = new Upload({ client, params: { Bucket, Key: 'aborted', Body: Readable.from(bytes(large, 3)) }, partSize: 5 << 20, queueSize: 1 })
  aborted.on('httpUploadProgress', () => aborted.abort())
  assert.equal(await code(aborted.done()), 'AbortError')

  // Listing by pages, with what a folder shows.
  await Promise.all([...Array(25).keys()].map((n) =>
    client.send(new s3.PutObjectCommand({ Bucket, Key: `list/${n % 5}/${String(n).padStart(2, '0')}`, Body: String(n) }))))
  const keys = []
  let pages = 0
  for await (const page of s3.paginateListObjectsV2({ client, pageSize: 10 }, { Bucket, Prefix: 'list/' })) {
    pages++
    keys.push(...page.Contents.map((o) => o.Key))
  }
  assert.equal(pages, 3)
  assert.equal(keys.length, 25)
  assert.deepEqual(keys, [...keys].sort())
  const folders = await client.send(new s3.ListObjectsV2Command({ Bucket, Prefix: 'list/', Delimiter: '/' }))
  assert.deepEqual(folders.CommonPrefixes.map((p) => p.Prefix), [0, 1, 2, 3, 4].map((n) => `list/${n}/`))
  const gone = await client.send(new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects: keys.slice(0, 24).map((Key) => ({ Key })) } }))
  assert.equal(gone.Deleted.length, 24)

  // URLs: whoever has one may do what it says and nothing else.
  const get = await getSignedUrl(client, new s3.GetObjectCommand({ Bucket, Key: 'a/ü +%.txt', ResponseContentType: 'text/other' }), { expiresIn: 60 })
  const answer = await fetch(get)
  assert.equal(await answer.text(), 'some text')
  assert.equal(answer.headers.get('content-type'), 'text/other')
  assert.equal((await fetch(get, { method: 'PUT', body: 'x' })).status, 403)
  const put = await getSignedUrl(client, new s3.PutObjectCommand({ Bucket, Key: 'by-url' }), { expiresIn: 60 })
  assert.equal((await fetch(put, { method: 'PUT', body: 'put by url' })).status, 200)

  // Errors as the SDK names them, conditions, waiters.
  assert.equal(await code(client.send(new s3.GetObjectCommand({ Bucket, Key: 'none' }))), 'NoSuchKey')
  assert.equal(await code(client.send(new s3.HeadObjectCommand({ Bucket, Key: 'none' }))), 'NotFound')
  assert.equal(await code(client.send(new s3.GetObjectCommand({ Bucket: Bucket + '-none', Key: 'k' }))), 'NoSuchBucket')
  assert.equal(await code(client.send(new s3.PutObjectCommand({ Bucket, Key: 'by-url', Body: 'x', IfNoneMatch: '*' }))), 'PreconditionFailed')
  await s3.waitUntilObjectExists({ client, maxWaitTime: 10 }, { Bucket, Key: 'by-url' })
  await client.send(new s3.CopyObjectCommand({ Bucket, Key: 'copied', CopySource: `${Bucket}/${encodeURIComponent('a/ü +%.txt')}` }))
  console.log(JSON.stringify({ stream: await digest(Readable.from(bytes(size, 1))), upload: await digest(Readable.from(bytes(large, 2))) }))
}
main().catch((e) => { console.error(e); process.exit(1) })
