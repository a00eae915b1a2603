// Malformed and adversarial bytes at every MQTT door: no crash, no hang, no unbounded memory.
import { createHmac, randomUUID } from 'node:crypto'
import type { Duplex } from 'node:stream'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import mqttPacket from 'mqtt-packet'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { openStream } from '../wire.ts'
import { within } from '../within.ts'
import { createDevice } from './device.ts'
import { mutate, randomConnectExtras, randomPacket, type Version } from './fuzz-input.ts'
import { createInbox } from './inbox.ts'
import { announceSeed, shareOf, type Random } from './share.ts'
import { startSuiteProcess, withFolder, type SuiteProcess } from './suite.ts'

const INPUTS = 200_000
const AT_ONCE = 40
/** A connection that was half-closed is to be closed; nobody may be kept waiting longer. */
const CLOSE_MS = 20_000
const ANSWER_MS = 5_000
/** They come again and again, so that sessions are taken over and resumed. */
const CLIENTS = 30
/** Retained messages, sessions and queues are let go from time to time: they are not what may grow here. */
const RESET_EVERY = 20_000
const GROWTH = 1.5
/** Bytes that are no whole packet are not answered. */
const THINK_MS = 30
const CONNACK = 0x20
const PINGREQ = Buffer.from([0xc0, 0])
const PINGRESP = Buffer.from([0xd0, 0])
const GROWTH_MB = 100

const fuzz = suite('long fuzz')

/** What opens a door, so that the bytes behind CONNECT are looked at. */
interface Door {
  /** Fields of the CONNECT of one of the clients. */
  credentials(client: number): object
  /** Some doors let older versions in by certificate alone. */
  versions: readonly Version[]
  connect(): Promise<Duplex>
}

const ALL: readonly Version[] = [3, 4, 5, 5]
/** Far enough away for any run. */
const EXPIRES = Math.floor(Date.now() / 1000) + 24 * 3600

const DOORS: Record<string, (ports: Record<string, number>) => Promise<Door>> = {
  control: async ({ control }) => byTcp(control!, ALL, () => ({})),
  'aws-iot': async ({ 'aws-iot': port }) =>
    byTcp(port!, ALL, () => ({ username: 'test', password: Buffer.from('test') })),
  shiftr: async ({ shiftr }) =>
    byTcp(shiftr!, ALL, () => ({ username: 'local', password: Buffer.from('local') })),
  'azure-event-grid-namespaces': async ({ control, 'azure-event-grid-namespaces': port }) => {
    // Each is somebody of his own: one name has one session.
    const tokens: string[] = []
    for (let client = 0; client < CLIENTS; client++) {
      const roles = ['Publisher', 'Subscriber'].map((one) => `EventGrid TopicSpaces ${one}`)
      const body = JSON.stringify({ oid: randomUUID(), roles, expiresInSeconds: 24 * 3600 })
      const url = `http://127.0.0.1:${control}/authority/tokens`
      const reply = await fetch(url, { method: 'POST', body })
      tokens.push(((await reply.json()) as { access_token: string }).access_token)
    }
    return byTcp(port!, [5], (client) => {
      const authenticationData = Buffer.from(tokens[client]!)
      return { properties: { authenticationMethod: 'OAUTH2-JWT', authenticationData } }
    })
  },
  'azure-web-pubsub': async ({ 'azure-web-pubsub': port }) => {
    const path = '/clients/mqtt/hubs/fuzz'
    const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url')
    const role = ['webpubsub.joinLeaveGroup', 'webpubsub.sendToGroup']
    const claims = { aud: `http://127.0.0.1:${port}${path}`, exp: EXPIRES, sub: 'fuzz', role }
    const signed = `${part({ alg: 'HS256', typ: 'JWT' })}.${part(claims)}`
    const hmac = createHmac('sha256', DEVELOPMENT_KEYS.webPubSubKey).update(signed)
    const token = `${signed}.${hmac.digest('base64url')}`
    const url = `ws://127.0.0.1:${port}${path}?access_token=${token}`
    const connect = () => openStream(url)
    return { credentials: () => ({}), versions: [4, 5], connect }
  }
}

function byTcp(port: number, versions: readonly Version[], credentials: Door['credentials']): Door {
  return { credentials, versions, connect: () => openStream(`mqtt://127.0.0.1:${port}`) }
}

/** The bytes of one connection, before the CONNACK and after it, and how many inputs are in them. */
function conversation(random: Random, { credentials, versions }: Door) {
  const version = random.pick(versions)
  const client = random.integer(CLIENTS)
  const connect = mqttPacket.generate({
    cmd: 'connect',
    protocolId: version === 3 ? 'MQIsdp' : 'MQTT',
    protocolVersion: version,
    clean: !random.oneIn(10),
    clientId: `fuzz${client}`,
    keepalive: random.integer(100),
    ...credentials(client),
    ...randomConnectExtras(random)
  } as never)
  if (random.oneIn(5)) return { first: mutate(connect, random), rest: [], inputs: 1 }
  const packets = Array.from({ length: random.integer(5) }, () => randomPacket(random, version))
  if (!random.oneIn(4)) packets.push(mutate(randomPacket(random, version), random))
  const all = Buffer.concat([...packets, PINGREQ])
  // Cut anywhere: a packet may come in pieces, and pieces of two at once.
  const cut = random.oneIn(4) ? random.integer(all.length) : all.length
  const rest = [all.subarray(0, cut), all.subarray(cut)]
  return { first: connect, rest, inputs: packets.length + 1 }
}

/**
 * Says its part, half-closes, and waits for the other half; answers whether it was greeted.
 *
 * It gives the server time to answer: what comes right before the end of a stream need not be looked at.
 */
async function talk(door: Door, first: Buffer, rest: Buffer[]): Promise<boolean> {
  const socket = await door.connect()
  let over = false
  let answer = Buffer.alloc(0)
  let wake = () => {}
  const closed = new Promise<void>((resolve) => socket.once('close', () => resolve()))
  // A WebSocket's stream that was cut off says so by its end alone, and waits for ever to say its own.
  socket.once('end', () => socket.destroy())
  void closed.then(() => {
    over = true
    wake()
  })
  socket.on('error', () => {}) // a reset is as good an answer as any
  socket.on('data', (bytes: Buffer) => {
    answer = Buffer.concat([answer, bytes])
    wake()
  })
  async function answered(ms: number, test: () => boolean): Promise<void> {
    let late = false
    const timer = setTimeout(() => {
      late = true
      wake()
    }, ms)
    while (!over && !late && !test()) await new Promise<void>((resolve) => (wake = resolve))
    clearTimeout(timer)
  }
  socket.write(first)
  // Whole, it is answered, however busy the machine is.
  await answered(rest.length > 0 ? ANSWER_MS : THINK_MS, () => answer.length >= 4)
  const greeted = answer[0] === CONNACK && answer[3] === 0
  if (rest.length > 0) {
    for (const bytes of rest) socket.write(bytes)
    await answered(THINK_MS, () => answer.subarray(-2).equals(PINGRESP))
  }
  socket.end()
  await within(CLOSE_MS, closed, 'the end of a connection')
  return greeted
}

/** A client with good manners beside all this: it must not notice. */
async function watch({ ports }: SuiteProcess): Promise<{ check(): Promise<void> }> {
  const inbox = createInbox()
  const device = createDevice({ clientId: 'watch', onMessage: inbox.take })
  await device.connect(ports.control!)
  await device.subscribe('watch', 1)
  return {
    async check() {
      // A reset puts everybody out; that is what it is for.
      if (!device.connected) {
        await device.connect(ports.control!)
        await device.subscribe('watch', 1)
      }
      inbox.clear()
      const message = { topic: 'watch', payload: Buffer.from('?'), qos: 1, retain: false } as const
      await within(ANSWER_MS, device.publish(message), 'the acknowledgement for the watcher')
      await inbox.until(() => inbox.messages.length > 0, ANSWER_MS, "the watcher's message")
    }
  }
}

async function reset({ ports }: SuiteProcess): Promise<void> {
  const reply = await fetch(`http://127.0.0.1:${ports.control}/reset`, { method: 'POST' })
  assert.is(reply.status, 204)
}

/** Sends at least `count` inputs at one door; answers its memory after the first tenth and at the end. */
async function fuzzDoor(suiteProcess: SuiteProcess, name: string, count: number, random: Random) {
  const door = await DOORS[name]!(suiteProcess.ports)
  const watcher = await watch(suiteProcess)
  let [sent, connections, greeted] = [0, 0, 0]
  let settled = 0
  let nextReset = RESET_EVERY
  while (sent < count) {
    const talks = Array.from({ length: AT_ONCE }, () => {
      const { first, rest, inputs } = conversation(random, door)
      sent += inputs
      return talk(door, first, rest)
    })
    connections += talks.length
    greeted += (await Promise.all(talks)).filter(Boolean).length
    await watcher.check()
    assert.is(suiteProcess.child.exitCode, null, 'the suite has ended')
    assert.equal(suiteProcess.problems, [])
    if (settled === 0 && sent > count / 10) settled = suiteProcess.memory()
    if (sent > nextReset) {
      nextReset += RESET_EVERY
      await reset(suiteProcess)
    }
  }
  await reset(suiteProcess)
  // Bytes that nobody looked at prove nothing.
  assert.ok(greeted > connections / 3, `${greeted} of ${connections} connections were greeted`)
  return { sent, settled, end: suiteProcess.memory() }
}

const doors = Object.keys(DOORS)

for (const door of doors) {
  fuzz(`${door} takes whatever comes`, () =>
    withFolder(async (folder) => {
      const { random } = announceSeed(`fuzz ${door}`)
      const suiteProcess = await startSuiteProcess(folder)
      try {
        const count = shareOf(Math.ceil(INPUTS / doors.length))
        const { sent, settled, end } = await fuzzDoor(suiteProcess, door, count, random)
        console.log(`   ${sent} inputs, ${settled.toFixed()} MB, ${end.toFixed()} MB at the end`)
        assert.ok(end <= settled * GROWTH + GROWTH_MB, `${settled} MB have become ${end} MB`)
      } finally {
        await suiteProcess.kill()
      }
    })
  )
}

fuzz.run()
