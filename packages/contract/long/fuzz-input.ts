import mqttPacket from 'mqtt-packet'
import type { Random } from './share.ts'

export type Version = 3 | 4 | 5

const TEXTS = [
  '',
  'a',
  'fuzz/a',
  'fuzz/b/c',
  '$SYS/x',
  '$share/g/a',
  '/',
  'a//b',
  'é\u{1f32b}',
  ' '
]
const FILTERS = [
  '#',
  '+',
  'fuzz/#',
  '+/+',
  '$share/g/fuzz/+',
  'a/#/b',
  'a+',
  '$share//a',
  '$share/g'
]
const LONG = 'x'.repeat(70_000)

const PROPERTIES: Record<string, (random: Random) => unknown> = {
  payloadFormatIndicator: (random) => random.oneIn(2),
  messageExpiryInterval: number32,
  contentType: text,
  responseTopic: text,
  correlationData: bytes,
  subscriptionIdentifier: (random) => random.integer(268_435_456),
  sessionExpiryInterval: (random) => (random.oneIn(20) ? 5 : 0),
  assignedClientIdentifier: text,
  serverKeepAlive: number16,
  authenticationMethod: text,
  authenticationData: bytes,
  requestProblemInformation: (random) => random.oneIn(2),
  willDelayInterval: number32,
  requestResponseInformation: (random) => random.oneIn(2),
  responseInformation: text,
  serverReference: text,
  reasonString: text,
  receiveMaximum: number16,
  topicAliasMaximum: number16,
  topicAlias: number16,
  maximumQoS: (random) => random.integer(3),
  retainAvailable: (random) => random.oneIn(2),
  userProperties: (random) => ({ [text(random)]: text(random) }),
  maximumPacketSize: number32,
  wildcardSubscriptionAvailable: (random) => random.oneIn(2)
}

function text(random: Random): string {
  return random.oneIn(200) ? LONG.slice(0, random.integer(65_536)) : random.pick(TEXTS)
}

function bytes(random: Random): Buffer {
  return random.bytes(random.integer(20))
}

function number16(random: Random): number {
  return random.pick([0, 1, 2, 7, 8, 65_535, random.integer(65_536)])
}

function number32(random: Random): number {
  return random.pick([0, 1, 60, 2 ** 31, 2 ** 32 - 1])
}

function properties(random: Random): Record<string, unknown> | undefined {
  if (random.oneIn(2)) return undefined
  const names = Object.keys(PROPERTIES)
  const picked = Array.from({ length: random.integer(4) }, () => random.pick(names))
  return Object.fromEntries(picked.map((name) => [name, PROPERTIES[name]!(random)]))
}

const messageId = (random: Random) => random.pick([1, 2, 3, 65_535, random.integer(65_536)])
const qos = (random: Random) => random.integer(3)
const code = (random: Random) => random.pick([0, 0, 0x10, 0x80, 0x97, random.integer(256)])

const PACKETS: Record<string, (random: Random) => object> = {
  publish: (random) => ({
    topic: text(random),
    payload: bytes(random),
    qos: qos(random),
    retain: random.oneIn(4),
    dup: random.oneIn(4),
    messageId: messageId(random)
  }),
  subscribe: (random) => ({
    messageId: messageId(random),
    subscriptions: Array.from({ length: 1 + random.integer(3) }, () => ({
      topic: random.oneIn(2) ? random.pick(FILTERS) : text(random),
      qos: qos(random),
      nl: random.oneIn(2),
      rap: random.oneIn(2),
      rh: random.integer(3)
    }))
  }),
  unsubscribe: (random) => ({
    messageId: messageId(random),
    unsubscriptions: [random.oneIn(2) ? random.pick(FILTERS) : text(random)]
  }),
  puback: (random) => ({ messageId: messageId(random), reasonCode: code(random) }),
  pubrec: (random) => ({ messageId: messageId(random), reasonCode: code(random) }),
  pubrel: (random) => ({ messageId: messageId(random), reasonCode: code(random) }),
  pubcomp: (random) => ({ messageId: messageId(random), reasonCode: code(random) }),
  pingreq: () => ({}),
  disconnect: (random) => ({ reasonCode: code(random) }),
  auth: (random) => ({ reasonCode: random.pick([0, 0x18, 0x19]) }),
  connect: (random) => ({
    protocolId: 'MQTT',
    protocolVersion: 5,
    clean: random.oneIn(2),
    clientId: text(random),
    keepalive: number16(random)
  }),
  connack: (random) => ({ reasonCode: code(random), sessionPresent: random.oneIn(2) }),
  suback: (random) => ({ messageId: messageId(random), granted: [code(random)] }),
  unsuback: (random) => ({ messageId: messageId(random), granted: [code(random)] }),
  pingresp: () => ({})
}

/** Mostly what clients say: publishes and subscriptions reach deepest. */
const COMMANDS = [
  ...Object.keys(PACKETS),
  'publish',
  'publish',
  'publish',
  'subscribe',
  'subscribe'
]

/** One packet as mqtt-packet would write it: well-formed, but not always allowed, and seldom sensible. */
export function randomPacket(random: Random, version: Version): Buffer {
  for (;;) {
    const cmd = random.pick(COMMANDS)
    const packet: Record<string, unknown> = { cmd, ...PACKETS[cmd]!(random) }
    if (version === 5) packet.properties = properties(random)
    try {
      return mqttPacket.generate(packet as never, { protocolVersion: version })
    } catch {
      // It writes only what it takes for a packet; the next one may be one.
    }
  }
}

/** A will, or none; some of the standard's rules broken. */
export function randomConnectExtras(random: Random): object {
  if (!random.oneIn(8)) return {}
  const topic = text(random) || 'will'
  return { will: { topic, payload: bytes(random), qos: qos(random), retain: false } }
}

const MUTATIONS: ((input: Buffer, random: Random) => Buffer)[] = [
  // Flips bits.
  (input, random) => {
    const copy = Buffer.from(input)
    for (let flips = 1 + random.integer(4); flips > 0; flips--) {
      copy[random.integer(copy.length)]! ^= 1 << random.integer(8)
    }
    return copy
  },
  // Puts other bytes.
  (input, random) => {
    const copy = Buffer.from(input)
    copy[random.integer(copy.length)] = random.pick([0, 1, 0x7f, 0x80, 0xc0, 0xfe, 0xff])
    return copy
  },
  (input, random) => input.subarray(0, random.integer(input.length)),
  (input, random) => {
    const at = random.integer(input.length)
    return Buffer.concat([
      input.subarray(0, at),
      random.bytes(random.integer(9)),
      input.subarray(at)
    ])
  },
  (input, random) => {
    const at = random.integer(input.length)
    return Buffer.concat([input.subarray(0, at), input.subarray(at + 1 + random.integer(4))])
  },
  // Lies about the length: short, long, longest, overlong.
  (input, random) => {
    const lengths = [
      [0],
      [1],
      [0x7f],
      [0xff, 0x7f],
      [0xff, 0xff, 0xff, 0x7f],
      [0xff, 0xff, 0xff, 0xff, 1]
    ]
    return Buffer.concat([
      input.subarray(0, 1),
      Buffer.from(random.pick(lengths)),
      input.subarray(2)
    ])
  },
  (input, random) => Buffer.concat([Buffer.from([random.integer(256)]), input.subarray(1)]),
  (_input, random) => random.bytes(1 + random.integer(64))
]

/** Bytes that were a packet. */
export function mutate(input: Buffer, random: Random): Buffer {
  let mutated = random.pick(MUTATIONS)(input, random)
  if (random.oneIn(3) && mutated.length > 0) mutated = random.pick(MUTATIONS)(mutated, random)
  return mutated
}
