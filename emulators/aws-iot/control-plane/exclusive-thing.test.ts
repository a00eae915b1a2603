// Things that are known by a certificate alone, whatever its device calls itself.
import { once } from 'node:events'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mkdtempSync, rmSync } from 'node:fs'
import https from 'node:https'
import type { IncomingMessage } from 'node:http'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateKeysAndCertificateCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  DetachThingPrincipalCommand,
  type IoTClient,
  type ThingPrincipalType
} from '@aws-sdk/client-iot'
import { GetConnectionCommand, IoTDataPlaneClient } from '@aws-sdk/client-iot-data-plane'
import mqtt, { type IClientOptions } from 'mqtt'
import { createQueue, within } from '@fogbank/contract/testing'
import { KEY_PAIR } from '../testing-fogbank.ts'
import { attempt, withSuite, type Fogbank } from './testing-suite.ts'

const ARN = 'arn:aws:iot:us-east-1:123456789012'
const THING = '${iot:Connection.Thing.ThingName}'
const COLOUR = '${iot:Connection.Thing.Attributes[colour]}'
const ATTACHED = { Bool: { 'iot:Connection.Thing.IsAttached': 'true' } }
const allow = (action: string, resource: string, condition?: object) => ({
  Effect: 'Allow',
  Action: `iot:${action}`,
  Resource: resource === '*' ? '*' : `${ARN}:${resource}`,
  ...(condition ? { Condition: condition } : {})
})
/** Any client id with a thing, and the topics of the thing. */
const OF_THE_THING = [
  allow('Connect', 'client/*', ATTACHED),
  allow('Publish', `topic/${THING}/*`),
  allow('Publish', `topic/${COLOUR}/*`)
]
const ANYTHING = [allow('*', '*')]

interface Device {
  /** What a client connects with. */
  tls: IClientOptions
  principal: string
}

/** A certificate with this policy, attached to no thing so far. */
async function createDevice(iot: IoTClient, policyName: string, Statement: object[]) {
  const made = await iot.send(new CreateKeysAndCertificateCommand({ setAsActive: true }))
  const policyDocument = JSON.stringify({ Version: '2012-10-17', Statement })
  await iot.send(new CreatePolicyCommand({ policyName, policyDocument }))
  await iot.send(new AttachPolicyCommand({ policyName, target: made.certificateArn! }))
  const tls = { cert: made.certificatePem!, key: made.keyPair!.PrivateKey! }
  return { tls, principal: made.certificateArn! }
}

async function attach(
  iot: IoTClient,
  { principal }: Device,
  thingName: string,
  thingPrincipalType?: ThingPrincipalType
): Promise<void> {
  await iot.send(new AttachThingPrincipalCommand({ thingName, principal, thingPrincipalType }))
}

async function createThings(iot: IoTClient): Promise<void> {
  for (const [thingName, colour] of [
    ['lamp', 'red'],
    ['door', 'blue']
  ] as const) {
    const attributePayload = { attributes: { colour } }
    await iot.send(new CreateThingCommand({ thingName, attributePayload }))
  }
}

/** Status of a publish over HTTPS. */
async function post(fogbank: Fogbank, { tls }: Device, topic: string): Promise<number> {
  const { https: origin } = fogbank.endpoints['aws-iot'] as { https: string }
  const { cert, key } = tls as { cert: string; key: string }
  const ca = await fogbank.ca()
  const options = { method: 'POST', agent: false, cert, key, ca } as const
  const sent = https.request(`${origin}/topics/${topic}?qos=1`, options)
  const answered = once(sent, 'response')
  sent.end('x')
  const [response] = (await within(20_000, answered, 'the answer')) as [IncomingMessage]
  response.resume()
  return response.statusCode ?? 0
}

/** A client that is told what becomes of others; it closes itself. */
async function watch(
  fogbank: Fogbank,
  run: (told: () => Promise<Record<string, unknown>>) => Promise<void>
): Promise<void> {
  const { mqtt: url } = fogbank.endpoints['aws-iot'] as { mqtt: string }
  const client = mqtt.connect(url, { ...KEY_PAIR, clientId: 'watcher', reconnectPeriod: 0 })
  const events = createQueue<Record<string, unknown>>()
  client.on('message', (_topic, payload) => {
    const event = JSON.parse(payload.toString()) as Record<string, unknown>
    if (event.clientId !== 'watcher') events.put(event)
  })
  try {
    await client.subscribeAsync('$aws/events/#', { qos: 1 })
    await run(() => events.next(20_000, 'an event'))
  } finally {
    client.end(true)
  }
}

/** What differs from run to run is looked at for its type alone. */
function withoutChance({ timestamp, sessionIdentifier, ...rest }: Record<string, unknown>) {
  assert.type(timestamp, 'number')
  assert.type(sessionIdentifier, 'string')
  return rest
}

async function connectionOf(fogbank: Fogbank, clientId: string) {
  const { http: endpoint } = fogbank.endpoints['aws-iot'] as { http: string }
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const settings = { endpoint, region: 'us-east-1', credentials, maxAttempts: 1 }
  const sdk = new IoTDataPlaneClient(settings)
  try {
    const { connected, thingName } = await sdk.send(new GetConnectionCommand({ clientId }))
    return [connected, thingName]
  } catch (error) {
    return (error as Error).name
  } finally {
    sdk.destroy()
  }
}

const exclusive = suite('aws-iot exclusive things')

exclusive(
  'are what policies mean, whatever the client id, and stay so over a restart',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fogbank-'))
    let device!: Device
    const check = async (fogbank: Fogbank) => {
      for (const [clientId, topic, puback] of [
        ['anybody', 'lamp/on', 0],
        ['anybody', 'red/on', 0],
        ['anybody', 'anybody/on', 0x87],
        ['lamp', 'lamp/on', 0],
        // A thing of this name there is; it is not this one's.
        ['door', 'lamp/on', 0],
        ['door', 'door/on', 0x87],
        ['door', 'blue/on', 0x87]
      ] as const) {
        const answers = await attempt(fogbank, { ...device.tls, clientId }, topic)
        assert.equal(answers, [0, puback], `${topic} as ${clientId}`)
      }
    }
    try {
      await withSuite(folder, async (fogbank, iot) => {
        await createThings(iot)
        device = await createDevice(iot, 'own', OF_THE_THING)
        await attach(iot, device, 'lamp', 'EXCLUSIVE_THING')
        await check(fogbank)
      })
      await withSuite(folder, check)
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
)

exclusive('are none any more once they are detached', () =>
  withSuite(undefined, async (fogbank, iot) => {
    await createThings(iot)
    const device = await createDevice(iot, 'own', OF_THE_THING)
    await attach(iot, device, 'lamp', 'EXCLUSIVE_THING')
    const { principal } = device
    await iot.send(new DetachThingPrincipalCommand({ thingName: 'lamp', principal }))
    for (const clientId of ['anybody', 'lamp', 'door']) {
      assert.equal(await attempt(fogbank, { ...device.tls, clientId }, 'lamp/on'), [0x87])
    }
    await attach(iot, device, 'door')
    assert.equal(await attempt(fogbank, { ...device.tls, clientId: 'anybody' }, 'a'), [0x87])
    assert.equal(await attempt(fogbank, { ...device.tls, clientId: 'door' }, 'door/on'), [0, 0])
  })
)

exclusive('are told from others, which are found by the client id', () =>
  withSuite(undefined, async (fogbank, iot) => {
    await createThings(iot)
    const device = await createDevice(iot, 'own', OF_THE_THING)
    await attach(iot, device, 'lamp', 'NON_EXCLUSIVE_THING')
    await attach(iot, device, 'door')
    for (const [clientId, topic, answers] of [
      ['anybody', 'lamp/on', [0x87]],
      ['lamp', 'lamp/on', [0, 0]],
      ['lamp', 'door/on', [0, 0x87]],
      ['door', 'door/on', [0, 0]],
      ['door', 'blue/on', [0, 0]]
    ] as const) {
      assert.equal(await attempt(fogbank, { ...device.tls, clientId }, topic), answers)
    }
  })
)

exclusive('are not there over HTTP, which knows no client ids', () =>
  withSuite(undefined, async (fogbank, iot) => {
    await createThings(iot)
    const device = await createDevice(iot, 'own', OF_THE_THING)
    await attach(iot, device, 'lamp', 'EXCLUSIVE_THING')
    assert.is(await post(fogbank, device, 'lamp/on'), 403)
    const open = await createDevice(iot, 'open', ANYTHING)
    assert.is(await post(fogbank, open, 'lamp/on'), 200)
  })
)

exclusive('are named in every event and in GetConnection, until a reset', () =>
  withSuite(undefined, async (fogbank, iot) => {
    await createThings(iot)
    const device = await createDevice(iot, 'any', ANYTHING)
    await attach(iot, device, 'lamp', 'EXCLUSIVE_THING')
    const { mqtts } = fogbank.endpoints['aws-iot'] as { mqtts: string }
    const about = {
      clientId: 'anybody',
      thingName: 'lamp',
      principalIdentifier: device.principal.split('/')[1]
    }
    await watch(fogbank, async (told) => {
      const client = mqtt.connect(mqtts, {
        ...device.tls,
        ca: await fogbank.ca(),
        clientId: 'anybody',
        reconnectPeriod: 0
      })
      try {
        await client.subscribeAsync('a', { qos: 1 })
        assert.equal(withoutChance(await told()), {
          ...about,
          eventType: 'connected',
          ipAddress: '127.0.0.1',
          versionNumber: 0
        })
        const subscription = { ...about, topics: ['a'] }
        assert.equal(withoutChance(await told()), { ...subscription, eventType: 'subscribed' })
        assert.equal(await connectionOf(fogbank, 'anybody'), [true, 'lamp'])
        await client.unsubscribeAsync('a')
        assert.equal(withoutChance(await told()), { ...subscription, eventType: 'unsubscribed' })
        await client.endAsync()
        assert.equal(withoutChance(await told()), {
          ...about,
          eventType: 'disconnected',
          clientInitiatedDisconnect: true,
          disconnectReason: 'CLIENT_INITIATED_DISCONNECT',
          versionNumber: 0
        })
        assert.equal(await connectionOf(fogbank, 'anybody'), [false, 'lamp'])
      } finally {
        client.end(true)
      }
    })
    await fogbank.reset()
    assert.is(await connectionOf(fogbank, 'anybody'), 'ResourceNotFoundException')
    await createThings(iot)
    // The certificate is forgotten too.
    assert.is(
      await attach(iot, device, 'lamp').catch(({ name }: Error) => name),
      'ResourceNotFoundException'
    )
  })
)

exclusive('are named where their device may not connect', () =>
  withSuite(undefined, async (fogbank, iot) => {
    await createThings(iot)
    const device = await createDevice(iot, 'none', [allow('Publish', '*')])
    await attach(iot, device, 'lamp', 'EXCLUSIVE_THING')
    await watch(fogbank, async (told) => {
      assert.equal(await attempt(fogbank, { ...device.tls, clientId: 'anybody' }, 'a'), [0x87])
      assert.equal(withoutChance(await told()), {
        clientId: 'anybody',
        thingName: 'lamp',
        eventType: 'connect_failed',
        connectFailureReason: 'AUTHORIZATION_FAILED',
        principalIdentifier: device.principal.split('/')[1],
        ipAddress: '127.0.0.1'
      })
    })
  })
)

exclusive('are named and others are not, though the client id is their name', () =>
  withSuite(undefined, async (fogbank, iot) => {
    await createThings(iot)
    const device = await createDevice(iot, 'any', ANYTHING)
    await attach(iot, device, 'lamp')
    await watch(fogbank, async (told) => {
      assert.equal(await attempt(fogbank, { ...device.tls, clientId: 'lamp' }, 'a'), [0, 0])
      for (const eventType of ['connected', 'disconnected']) {
        const event = await told()
        assert.equal([event.eventType, 'thingName' in event], [eventType, false])
      }
      assert.equal(await connectionOf(fogbank, 'lamp'), [false, undefined])
    })
  })
)

exclusive.run()
