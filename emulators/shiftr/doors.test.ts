// The ways in: curl as the documentation has it, WebSocket upgrades, and peers that send what they should not.
import { execFile } from 'node:child_process'
import { once } from 'node:events'
import net from 'node:net'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { within } from '@fogbank/contract/testing'
import { basic, withShiftr } from './testing.ts'

const run = promisify(execFile)
const doors = suite('shiftr doors')

/** The lines of the documentation, with our address in the place of theirs; what each one prints. */
const CURL: [args: (base: string) => string[], prints: string][] = [
  [(base) => ['-d', 'good morning', '-X', 'POST', `${base}/broker/hello`], ''],
  [(base) => ['-d', 'good night', '-X', 'POST', `${base}/broker/lamp?retained=true`], ''],
  [(base) => ['-d', 'once', '-X', 'POST', `${base}/broker/hello/you?qos=1`], ''],
  [(base) => [`${base}/broker/hello`], 'good morning'],
  [(base) => [`${base}/broker/lamp?retained=true`], 'good night'],
  [(base) => [`${base}/broker/hello/*`], 'once']
]

doors("the documentation's curl lines work as written", () =>
  withShiftr({}, async ({ url, client }) => {
    const base = url.replace('http://', 'http://local:local@')
    const watcher = await client()
    await watcher.subscribe('#', 1)
    for (const [args, prints] of CURL) {
      const { stdout } = await run('curl', ['-sS', '--fail', ...args(base)])
      assert.is(stdout, prints)
    }
    const { topic, text, qos } = await watcher.next()
    assert.equal({ topic, text, qos }, { topic: 'hello', text: 'good morning', qos: 0 })
    assert.is((await watcher.next()).text, 'good night')
    assert.is((await watcher.next()).qos, 1)
  })
)

for (const path of ['/', '/broker', '/any/where?x=1']) {
  doors(`an upgrade on ${path} gives an MQTT session`, () =>
    withShiftr({}, async ({ url, client, call }) => {
      const one = await client({ url: url.replace('http', 'ws') + path })
      await one.subscribe('a')
      await one.publish('/a', 'over WebSocket', 1)
      assert.equal(await one.next(), { topic: 'a', text: 'over WebSocket', qos: 0, retain: false })
      assert.is((await call('/broker/a')).text, 'over WebSocket')
    })
  )
}

doors('what another door published is read by GET, with and without a leading slash', () =>
  withShiftr({}, async ({ endpoint, client, call }) => {
    const plain = await client({ url: endpoint('control', 'mqtt'), username: '', password: '' })
    const own = await client()
    await own.subscribe('door')
    await plain.publish('/door', 'open', 1, true)
    assert.is((await own.next()).topic, 'door')
    assert.is((await call('/broker/door')).text, 'open')
    assert.is((await call('/broker/door?retained=true')).text, 'open')
    await plain.publish('door', 'shut', 1)
    assert.is((await call('/broker/door')).text, 'shut')
    assert.is((await call('/broker/door?retained=true')).text, 'open')
  })
)

doors("another provider's $ trees stay out of sight, and ours out of theirs", () =>
  withShiftr({}, async ({ endpoint, client, call, post }) => {
    const plain = await client({ url: endpoint('control', 'mqtt'), username: '', password: '' })
    await plain.subscribe('$weather')
    assert.is((await post('/broker/$weather', 'ours')).status, 200)
    await plain.publish('$weather', 'theirs', 1)
    assert.is((await plain.next()).text, 'theirs')
    assert.is((await call('/broker/$weather')).text, 'ours')
    assert.is((await call('/broker/@')).status, 404)
  })
)

/** Sends bytes as they are on one connection, then asks something ordinary; answers all that came back. */
async function exchange(url: string, chunks: Iterable<string | Buffer>): Promise<string> {
  const { hostname, port } = new URL(url)
  const socket = net.connect(Number(port), hostname)
  let received = ''
  socket.on('data', (bytes) => (received += bytes.toString('latin1')))
  socket.on('error', () => {}) // a reset is an answer too
  const over = new Promise((resolve) => socket.once('close', resolve))
  await once(socket, 'connect')
  for (const chunk of chunks) {
    if (socket.destroyed) break
    if (!socket.write(chunk)) await Promise.race([once(socket, 'drain'), over])
  }
  const last = ['GET /broker/after HTTP/1.1', 'Host: x', `Authorization: ${basic('local:local')}`]
  if (!socket.destroyed) socket.write(`${last.join('\r\n')}\r\nConnection: close\r\n\r\n`)
  await within(10_000, over, 'the end of the connection')
  return received
}

function* upload(framing: string, chunk: (bytes: Buffer) => Buffer, end: string) {
  const head = ['POST /broker/big HTTP/1.1', 'Host: x', `Authorization: ${basic('local:local')}`]
  yield `${head.join('\r\n')}\r\n${framing}\r\n\r\n`
  const bytes = chunk(Buffer.alloc(65_536, 'x'))
  for (let i = 0; i < 160; i++) yield bytes
  yield end
}

const UPLOADS: [what: string, bytes: () => Iterable<string | Buffer>][] = [
  ['a known length', () => upload('Content-Length: 10485760', (bytes) => bytes, '')],
  [
    'chunks',
    () =>
      upload(
        'Transfer-Encoding: chunked',
        (bytes) => Buffer.concat([Buffer.from('10000\r\n'), bytes, Buffer.from('\r\n')]),
        '0\r\n\r\n'
      )
  ]
]

for (const [what, bytes] of UPLOADS) {
  doors(`ten megabytes of ${what} are 413, kept nowhere, and the connection goes on or ends`, () =>
    withShiftr({}, async ({ url, call }) => {
      await call('/broker/warm')
      const before = process.memoryUsage().rss
      const received = await exchange(url, bytes())
      assert.match(received, /^HTTP\/1\.1 413 /)
      assert.match(received, 'payload-too-large: at most 65536 bytes\n')
      const answers = received.match(/HTTP\/1\.1 \d+/g)
      assert.ok(answers!.length === 1 || answers![1] === 'HTTP/1.1 404', received)
      assert.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024)
      assert.is((await call('/broker/big')).status, 404)
    })
  )
}

/** Request targets that no router may trip over, and their answers. */
const TARGETS: [target: string, status: number, text?: string][] = [
  ['/broker', 404, 'not-found: every path begins with /broker/\n'],
  ['/broker/', 400, 'invalid-topic: a topic has at least one character\n'],
  ['/broker//', 400, 'invalid-topic: a topic has at least one character\n'],
  ['/brokers/a', 404, 'not-found: every path begins with /broker/\n'],
  ['/', 404, 'not-found: every path begins with /broker/\n'],
  ['/broker/%', 400, 'invalid-topic: malformed percent escape\n'],
  ['/broker/%ff', 400, 'invalid-topic: malformed percent escape\n'],
  ['/broker/%ED%A0%80', 400, 'invalid-topic: malformed percent escape\n'],
  ['/broker/a%00b', 400, 'invalid-topic: character U+0000 is not allowed\n'],
  ['/broker/%F0%9F%92%A1', 400, 'invalid-topic: character U+1F4A1 is not allowed\n'],
  [`/broker/a${'/'.repeat(100)}`, 400, 'invalid-topic: 101 levels, at most 100\n'],
  [`/broker/a${'/'.repeat(99)}`, 404],
  [`/broker/${'a'.repeat(128)}`, 404],
  ['/broker/a/../b', 404],
  ['/broker/a?retained=%', 400, 'invalid-topic: malformed percent escape\n'],
  ['/broker/a?=&&&=x&retained', 404]
]

doors('no request target trips it', () =>
  withShiftr({}, async ({ call, lines }) => {
    for (const [target, status, text] of TARGETS) {
      const reply = await call(target)
      assert.is(reply.status, status, target)
      assert.is(reply.text, text ?? 'not-found: no message matches\n', target)
    }
    const failed = lines.filter((line) => line.includes('failed'))
    assert.equal(failed, [])
  })
)

doors('dots and empty levels are levels like others', () =>
  withShiftr({}, async ({ call, post }) => {
    for (const topic of ['a/../b', 'a//b', 'a/', './a', '/double']) {
      assert.is((await post(`/broker/${topic}`, topic)).status, 200)
      const reply = await call(`/broker/${topic}`)
      assert.is(reply.text, topic)
      assert.is(reply.headers['x-fogbank-topic'], topic.replace(/^\//, ''))
    }
    assert.is((await call('/broker/b')).status, 404)
  })
)

doors.run()
