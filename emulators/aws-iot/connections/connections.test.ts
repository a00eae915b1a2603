// The SDK's four newest commands against real clients, and the confirmation that never comes.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  DeleteConnectionCommand,
  GetConnectionCommand,
  ListSubscriptionsCommand,
  SendDirectMessageCommand
} from '@aws-sdk/client-iot-data-plane'
import { KEY_PAIR, withFogbank } from '../testing-fogbank.ts'

const connections = suite('aws-iot connections')

connections('the SDK sees a client, lists its filters, sends it a message and puts it out', () =>
  withFogbank(async ({ aws, sdk, connect }) => {
    const client = sdk()
    const clientId = 'dev/1'
    const device = await connect(aws.mqtt, { ...KEY_PAIR, clientId })
    await device.subscribeAsync('a/b', { qos: 1 })
    const seen = await client.send(new GetConnectionCommand({ clientId }))
    assert.is(seen.connected, true)
    assert.is(seen.clientId, clientId)
    const { subscriptions } = await client.send(new ListSubscriptionsCommand({ clientId }))
    assert.equal(subscriptions, [{ topicFilter: 'a/b', qos: 1 }])
    const received = new Promise<string>((resolve) =>
      device.once('message', (topic, payload) => resolve(`${topic} ${payload.toString()}`))
    )
    const payload = new TextEncoder().encode('hi')
    const order = { clientId, topic: 'direct', payload, confirmation: true }
    const sent = await client.send(new SendDirectMessageCommand(order))
    assert.is(sent.message, 'OK')
    assert.is(await received, 'direct hi')
    const gone = new Promise<void>((resolve) => device.once('close', () => resolve()))
    await client.send(new DeleteConnectionCommand({ clientId, cleanSession: true }))
    await gone
    const { connected, disconnectReason } = await client.send(
      new GetConnectionCommand({ clientId })
    )
    assert.is(connected, false)
    assert.is(disconnectReason, 'API_INITIATED_DISCONNECT')
  })
)

connections(
  'a client that does not acknowledge is a GatewayTimeoutException after the time given',
  () =>
    withFogbank(async ({ aws, sdk, connect }) => {
      const clientId = 'silent'
      const device = await connect(aws.mqtt, { ...KEY_PAIR, clientId })
      // mqtt.js acknowledges when this calls back.
      device.handleMessage = () => {}
      const started = Date.now()
      const failure = await sdk()
        .send(
          new SendDirectMessageCommand({
            clientId,
            topic: 'direct',
            confirmation: true,
            timeout: 1
          })
        )
        .then(
          () => undefined,
          (error: { name: string; $metadata: { httpStatusCode?: number } }) => error
        )
      assert.is(failure?.name, 'GatewayTimeoutException')
      assert.is(failure?.$metadata.httpStatusCode, 504)
      assert.ok(Date.now() - started >= 1000)
    })
)

const EVERY = [
  'RequestMalformed',
  'IamDenied',
  'ConnectionNotFound',
  'Throttled',
  'InternalFailure'
]
for (const [operation, command, rows] of [
  ['GetConnection', () => new GetConnectionCommand({ clientId: 'a' }), EVERY],
  ['DeleteConnection', () => new DeleteConnectionCommand({ clientId: 'a' }), EVERY],
  ['ListSubscriptions', () => new ListSubscriptionsCommand({ clientId: 'a' }), EVERY],
  [
    'SendDirectMessage',
    () => new SendDirectMessageCommand({ clientId: 'a', topic: 'a' }),
    [...EVERY, 'Unauthorized', 'PayloadTooLarge', 'ConfirmationMissing']
  ]
] as const) {
  connections(`the SDK knows every error of ${operation} by its class`, () =>
    withFogbank(async ({ fogbank, sdk }) => {
      const { definition, faults } = fogbank.personalities.get('aws-iot')!
      const client = sdk()
      for (const row of rows) {
        faults.order(operation, row, 1)
        const error = await client.send(command() as never).then(
          () => {
            throw new Error(`${row} was not told`)
          },
          (failure: Record<string, any>) => failure
        )
        const { code, message, status } = definition.errors[row]!.row
        assert.equal(
          [error.name, error.constructor.name, error.message, error.$metadata.httpStatusCode],
          [code, code, message, status]
        )
      }
    })
  )
}

connections.run()
