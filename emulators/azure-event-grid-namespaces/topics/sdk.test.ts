// The vendor's own SDK over https, with a key and with a token of the authority; and over a SIGKILL.
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { startFogbank } from 'fogbank'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startChild } from './testing.ts'

const sdk = suite('azure-event-grid-namespaces with @azure/eventgrid-namespaces')

/** What a user's program does with a topic and a subscription, by key or by token. */
const PROGRAM = `
import { AzureKeyCredential } from '@azure/core-auth'
import { EventGridReceiverClient, EventGridSenderClient } from '@azure/eventgrid-namespaces'
import { ClientSecretCredential } from '@azure/identity'
const { authority, events, by } = JSON.parse(process.env.FOGBANK_TEST)
const { tenantId, clientId, clientSecret } = authority.credentials
const credential = by === 'key'
  ? new AzureKeyCredential(events.credentials.key)
  : new ClientSecretCredential(tenantId, clientId, clientSecret, {
      authorityHost: authority.https,
      disableInstanceDiscovery: true
    })
const sender = new EventGridSenderClient(events.https, credential, 'default')
const receiver = new EventGridReceiverClient(events.https, credential, 'default', 'default')
const event = (id) => ({ id, source: '/lab', type: 'lab.reading', data: { id }, specVersion: '1.0' })
const tokensOf = ({ details }) => details.map(({ brokerProperties }) => brokerProperties.lockToken)
const summary = ({ details }) =>
  details.map(({ event, brokerProperties }) => [event.data.id, brokerProperties.deliveryCount])
await sender.sendEvents(event('one'))
await sender.sendEvents([event('two'), event('three')])
const first = await receiver.receiveEvents({ maxEvents: 10, maxWaitTime: 10 })
const [one, two, three] = tokensOf(first)
const done = [
  await receiver.renewEventLocks([one]),
  await receiver.acknowledgeEvents([one]),
  await receiver.rejectEvents([two]),
  await receiver.releaseEvents([three], { releaseDelay: 0 }),
  await receiver.acknowledgeEvents([one])
]
const second = await receiver.receiveEvents({ maxEvents: 10, maxWaitTime: 10 })
await receiver.acknowledgeEvents(tokensOf(second))
const wrong = new EventGridSenderClient(events.https, credential, 'nowhere')
const refused = await wrong.sendEvents(event('x')).catch(({ statusCode, code }) => [statusCode, code])
console.log(JSON.stringify({
  first: summary(first),
  second: summary(second),
  done: done.map(({ succeededLockTokens, failedLockTokens }) => [
    succeededLockTokens.length,
    failedLockTokens.map(({ error }) => error.code)
  ]),
  refused
}))
`

for (const by of ['key', 'token']) {
  sdk(`sends, receives, renews, acknowledges, rejects and releases with a ${by}`, async () => {
    const log = { info: () => {}, warn: () => {}, error: () => {} }
    const fogbank = await startFogbank({ only: ['azure-event-grid-namespaces'], log })
    const directory = await mkdtemp(path.join(tmpdir(), 'fogbank-sdk-'))
    try {
      const ca = path.join(directory, 'ca.pem')
      await writeFile(ca, await fogbank.ca())
      const { authority, 'azure-event-grid-namespaces': events } = fogbank.endpoints
      const { stdout } = await promisify(execFile)(
        process.execPath,
        ['--input-type=module', '-e', PROGRAM],
        {
          cwd: import.meta.dirname,
          timeout: 30_000,
          env: {
            ...process.env,
            NODE_EXTRA_CA_CERTS: ca,
            FOGBANK_TEST: JSON.stringify({ authority, events, by })
          }
        }
      )
      assert.equal(JSON.parse(stdout), {
        first: [
          ['one', 1],
          ['two', 1],
          ['three', 1]
        ],
        second: [['three', 2]],
        done: [
          [1, []],
          [1, []],
          [1, []],
          [1, []],
          [0, ['TokenLost']]
        ],
        refused: [410, 'Gone']
      })
    } finally {
      await fogbank.close()
      await rm(directory, { recursive: true })
    }
  })
}

const kill = suite('azure-event-grid-namespaces over a SIGKILL')

const KEY = { authorization: 'SharedAccessKey Zm9nYmFuay1sb2NhbC1uYW1lc3BhY2Uta2V5LW9uZSE=' }
const V = 'api-version=2024-06-01'
const WORKER = '/topics/default/eventsubscriptions/default'

interface Item {
  brokerProperties: { lockToken: string; deliveryCount: number }
  event: { id: string }
}

async function call(url: string, target: string, type?: string, body?: string): Promise<any> {
  const headers = { ...KEY, ...(type ? { 'content-type': type } : {}) }
  const reply = await fetch(`${url}${target}`, { method: 'POST', headers, body: body ?? null })
  if (reply.status !== 200) throw new Error(`${target} answered ${reply.status}`)
  return reply.json()
}

const receive = async (url: string, count: number, wait = 0): Promise<Item[]> =>
  (await call(url, `${WORKER}:receive?${V}&maxEvents=${count}&maxWaitTime=${wait}`)).value

const acknowledge = (url: string, items: Item[]) => {
  const lockTokens = items.map(({ brokerProperties }) => brokerProperties.lockToken)
  return call(url, `${WORKER}:acknowledge?${V}`, 'application/json', JSON.stringify({ lockTokens }))
}

kill('loses no event, hands none out twice, and keeps locks as locks', async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'fogbank-kill-'))
  const first = await startChild(dataDir)
  let running = first
  try {
    const sent: string[] = []
    for (let start = 0; start < 1000; start += 100) {
      const events = Array.from({ length: 100 }, (_, index) => ({
        id: `e${start + index}`,
        source: 's',
        type: 't',
        specversion: '1.0',
        data: index
      }))
      const type = 'application/cloudevents-batch+json'
      await call(first.url, `/topics/default:publish?${V}`, type, JSON.stringify(events))
      sent.push(...events.map(({ id }) => id))
    }
    const done: string[] = []
    const locked: Item[] = []
    const consume = async (rounds: number, settles: boolean) => {
      for (let round = 0; round < rounds; round++) {
        const items = await receive(running.url, 20)
        if (items.length === 0) return
        if (settles) {
          await acknowledge(running.url, items)
          done.push(...items.map(({ event }) => event.id))
        } else locked.push(...items)
      }
    }
    await Promise.all([consume(5, true), consume(5, true), consume(5, true), consume(2, false)])
    await first.kill()
    running = await startChild(dataDir)
    // The locks of before still hold: their owner can settle with them, and nobody else is given them.
    const settled = await acknowledge(running.url, locked)
    assert.is(settled.succeededLockTokens.length, locked.length)
    done.push(...locked.map(({ event }) => event.id))
    await Promise.all([1, 2, 3, 4].map(() => consume(50, true)))
    assert.is(done.length, 1000)
    assert.equal([...done].sort(), [...sent].sort())
  } finally {
    await running.kill()
    await rm(dataDir, { recursive: true })
  }
})

kill('wakes a long poll within 50 ms of a publish', async () => {
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const fogbank = await startFogbank({ only: ['azure-event-grid-namespaces'], log })
  try {
    const url = fogbank.endpoints['azure-event-grid-namespaces']!.http as string
    const event = '{"id":"x","source":"s","type":"t","specversion":"1.0","data":1}'
    const waits: number[] = []
    for (let round = 0; round < 5; round++) {
      const waiting = receive(url, 1, 10).then((items) => ({ items, atMs: performance.now() }))
      // Whoever asks again has been heard before.
      await call(url, `/topics/default:publish?${V}`, 'application/cloudevents-batch+json', '[]')
      const sentAtMs = performance.now()
      await call(url, `/topics/default:publish?${V}`, 'application/cloudevents+json', event)
      const { items, atMs } = await waiting
      assert.is(items.length, 1)
      waits.push(atMs - sentAtMs)
      await acknowledge(url, items)
    }
    // The median: one round may meet a busy machine.
    assert.ok(waits.sort((one, other) => one - other)[2]! < 50, waits.join(', '))
  } finally {
    await fogbank.close()
  }
})

sdk.run()
kill.run()
