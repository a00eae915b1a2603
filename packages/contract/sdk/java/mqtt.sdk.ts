// HiveMQ's client, which tells refusals apart by the packet that brought them.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mintToken } from '../../token.ts'
import type { World } from '../../with-fogbank.ts'
import { deviceUrl } from '../web-pubsub.ts'
import { missingJava, prepareJava, runJava, withTrustedFogbank } from './environment.ts'

const AWS = 'aws-iot'
const NAMESPACE = 'azure-event-grid-namespaces'
const WEB_PUBSUB = 'azure-web-pubsub'

/** A namespace where nothing but `lab/#` may be used. */
const SETTINGS = {
  [NAMESPACE]: {
    clients: [{ name: 'dev1' }],
    topicSpaces: [{ name: 'lab', topicTemplates: ['lab/#'] }],
    permissionBindings: ['Publisher', 'Subscriber'].map((permission) => ({
      clientGroupName: '$all',
      topicSpaceName: 'lab',
      permission
    }))
  }
}

/** What a device is given, and what becomes of it. */
type Devices = Record<string, [given: object, told: object]>

const received = (topic: string) => ({
  topic,
  payload: '{"on":1}',
  qos: 1,
  payloadFormat: 1,
  messageExpiry: 60,
  contentType: 'application/json',
  responseTopic: 'answers/here',
  correlationData: 'abc',
  userProperties: [
    ['deviceName', 'alpha'],
    ['deviceName', 'beta']
  ]
})

/** A device that sends itself a message of this topic. */
const echo = (door: object, topic: string): [object, object] => [
  { ...door, filter: topic, topic },
  { connect: 0, subscribe: 1, publish: 'done', received: received(topic) }
]

/** A device that is told at one step, by this exception with this code, that it may not. */
const refused = (
  given: object,
  step: string,
  exception: string,
  code: number
): [object, object] => [
  given,
  { ...(step === 'connect' ? {} : { connect: 0 }), [step]: [exception, code] }
]

/** The ways in, and what proves that one may come. */
async function openDoors({ fogbank }: World) {
  const token = await mintToken(fogbank)
  const urlOf = (id: string, scheme: string) => String(fogbank.endpoints[id]![scheme])
  const certificate = await fogbank.issueClient('dev1')
  const role = ['webpubsub.joinLeaveGroup.room1', 'webpubsub.sendToGroup.room1']
  const namespace = { url: urlOf(NAMESPACE, 'mqtts') }
  const socket = deviceUrl(urlOf(WEB_PUBSUB, 'https'), { role, 'webpubsub.group': ['room2'] })
  return {
    aws: { url: urlOf(AWS, 'mqtt'), username: 'test', password: 'test' },
    awsTls: { url: urlOf(AWS, 'mqtts'), ...certificate },
    namespace,
    device: { ...namespace, ...certificate, username: 'dev1' },
    entra: { ...namespace, method: 'OAUTH2-JWT', data: token },
    webPubSub: { url: socket }
  }
}

type Doors = Awaited<ReturnType<typeof openDoors>>

const version5 = ({ aws, awsTls, namespace, device, entra, webPubSub }: Doors): Devices => ({
  'aws-key': echo(aws, 'plant/1'),
  'aws-certificate': echo(awsTls, 'plant/2'),
  'aws-stranger': refused({ ...aws, password: 'wrong' }, 'connect', 'Mqtt5ConnAckException', 0x87),
  certificate: echo(device, 'lab/1'),
  token: echo(entra, 'lab/2'),
  nobody: refused(namespace, 'connect', 'Mqtt5ConnAckException', 0x87),
  unknown: refused({ ...entra, method: 'K8S-SAT' }, 'connect', 'Mqtt5ConnAckException', 0x8c),
  deaf: refused({ ...device, filter: 'other/#' }, 'subscribe', 'Mqtt5SubAckException', 0x87),
  mute: refused({ ...device, topic: 'other/1' }, 'publish', 'Mqtt5PubAckException', 0x87),
  thrown: [
    { ...device, topic: 'other/1', qos: 0, ends: true },
    { connect: 0, publish: 'done', end: ['Mqtt5DisconnectException', 0x87] }
  ],
  room: echo(webPubSub, 'room1'),
  outside: refused({ ...webPubSub, filter: 'room3' }, 'subscribe', 'Mqtt5SubAckException', 0x87),
  captive: refused({ ...webPubSub, leave: 'room2' }, 'unsubscribe', 'Mqtt5UnsubAckException', 0x87),
  unheard: refused(
    { ...webPubSub, topic: 'room2', qos: 2 },
    'publish',
    'Mqtt5PubRecException',
    0x87
  )
})

const version3 = ({ aws, namespace, device, webPubSub }: Doors): Devices => {
  const told = (topic: string) => ({ subscribe: 1, received: [topic, 'on'] })
  return {
    'old-aws': [{ ...aws, filter: 'plant/#', topic: 'plant/3' }, told('plant/3')],
    'old-stranger': [{ ...aws, password: 'wrong' }, { connect: ['Mqtt3ConnAckException', 5] }],
    'old-device': [{ ...device, filter: 'lab/#', topic: 'lab/3' }, told('lab/3')],
    'old-nobody': [namespace, { connect: ['Mqtt3ConnAckException', 5] }],
    'old-deaf': [{ ...device, filter: 'other/#' }, { subscribe: ['Mqtt3SubAckException', 0x80] }],
    oldroom: [{ ...webPubSub, filter: 'room1', topic: 'room1' }, told('room1')]
  }
}

const hivemq = suite('MQTT with HiveMQ for Java')
const reason = await missingJava()

if (reason !== undefined) {
  hivemq(`is left out: ${reason}`, () => console.log(reason))
} else {
  for (const [name, toDevices] of Object.entries({
    Mqtt5Devices: version5,
    Mqtt3Devices: version3
  })) {
    hivemq(`${name}: messages come whole, and each refusal with the packet that says it`, () =>
      withTrustedFogbank(
        { only: [AWS, NAMESPACE, WEB_PUBSUB], config: SETTINGS },
        async (world) => {
          await prepareJava()
          const devices = Object.entries(toDevices(await openDoors(world)))
          const given = () => ({
            devices: Object.fromEntries(devices.map(([id, [device]]) => [id, device]))
          })
          const outcomes = await runJava(world, { name, given })
          assert.equal(outcomes, Object.fromEntries(devices.map(([id, [, told]]) => [id, told])))
        }
      )
    )
  }
}

hivemq.run()
