// The vendor's own SDK, over sockets, with real clients listening.
import { Agent } from 'node:https'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  GetRetainedMessageCommand,
  ListRetainedMessagesCommand,
  paginateListRetainedMessages,
  PublishCommand
} from '@aws-sdk/client-iot-data-plane'
import type { MqttClient } from 'mqtt'
import { failureOf, within } from '@fogbank/contract/testing'
import { KEY_PAIR, withFogbank } from './testing-fogbank.ts'

/** The next message of a client, whole. */
function nextMessage(client: MqttClient): Promise<object> {
  return within(
    2000,
    new Promise((resolve) => {
      client.once('message', (topic, payload, { qos, retain, properties }) => {
        const { userProperties, ...others } = properties ?? {}
        resolve({
          topic,
          payload: payload.toString(),
          qos,
          retain,
          properties: { ...others, userProperties: { ...userProperties } }
        })
      })
    }),
    'a message'
  )
}

const publishing = suite('aws-iot SDK Publish')

for (const scheme of ['http', 'https'] as const) {
  publishing(`over ${scheme} reaches subscribers on both doors with every property`, () =>
    withFogbank(async ({ fogbank, aws, sdk, connect }) => {
      const control = fogbank.endpoints.control as { mqtt: string }
      const own = await connect(aws.mqtt, KEY_PAIR)
      const plain = await connect(control.mqtt)
      await own.subscribeAsync('plant/line1', { qos: 1 })
      await plain.subscribeAsync('plant/#', { qos: 2 })
      const received = [nextMessage(own), nextMessage(plain)]
      const client = sdk(
        scheme === 'http'
          ? {}
          : {
              endpoint: aws.https,
              requestHandler: { httpsAgent: new Agent({ ca: await fogbank.ca() }) }
            }
      )
      const answer = await client.send(
        new PublishCommand({
          topic: 'plant/line1',
          qos: 1,
          retain: true,
          payload: Buffer.from('{"temp":21}'),
          contentType: 'application/json',
          responseTopic: 'r/t',
          correlationData: Buffer.from('abc').toString('base64'),
          userProperties: JSON.stringify([{ deviceName: 'alpha' }, { deviceCnt: '45' }]),
          messageExpiry: 60,
          payloadFormatIndicator: 'UTF8_DATA'
        })
      )
      assert.is(answer.$metadata.httpStatusCode, 200)
      assert.match(answer.$metadata.requestId ?? '', /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      const message = {
        topic: 'plant/line1',
        payload: '{"temp":21}',
        qos: 1,
        retain: false,
        properties: {
          payloadFormatIndicator: true,
          messageExpiryInterval: 60,
          contentType: 'application/json',
          responseTopic: 'r/t',
          correlationData: Buffer.from('abc'),
          userProperties: { deviceName: 'alpha', deviceCnt: '45' }
        }
      }
      assert.equal(await Promise.all(received), [message, message])
    })
  )
}

publishing('with another secret is told so in the words of the service', () =>
  withFogbank(async ({ sdk }) => {
    const client = sdk({ credentials: { accessKeyId: 'test', secretAccessKey: 'wrong' } })
    const error = await failureOf(client.send(new PublishCommand({ topic: 'a' })))
    assert.equal(
      [error.name, error.message, error.$metadata.httpStatusCode],
      [
        'ForbiddenException',
        'The request signature we calculated does not match the signature you provided. Check your AWS Secret Access Key and signing method. Consult the service documentation for details.',
        403
      ]
    )
    assert.is(error.traceId, error.$metadata.requestId)
  })
)

for (const [operation, command, rows] of [
  [
    'Publish',
    () => new PublishCommand({ topic: 'a' }),
    [
      'RequestMalformed',
      'Unauthorized',
      'MethodNotAllowed',
      'PayloadTooLarge',
      'IamDenied',
      'PolicyDenied'
    ]
  ],
  [
    'GetRetainedMessage',
    () => new GetRetainedMessageCommand({ topic: 'a' }),
    ['RetainedMessageNotFound', 'Unauthorized', 'ServiceUnavailable']
  ],
  [
    'ListRetainedMessages',
    () => new ListRetainedMessagesCommand({}),
    ['NextTokenInvalid', 'MethodNotAllowed', 'ServiceUnavailable']
  ]
] as const) {
  for (const row of [...rows, 'Throttled', 'InternalFailure']) {
    publishing(`knows ${row} of ${operation} by its class`, () =>
      withFogbank(async ({ fogbank, sdk }) => {
        const { definition, faults } = fogbank.personalities.get('aws-iot')!
        faults.order(operation, row, 1)
        const error = await failureOf(sdk().send(command() as never))
        const expected = definition.errors[row]!.row
        assert.equal(
          [error.name, error.constructor.name, error.message, error.$metadata.httpStatusCode],
          [expected.code, expected.code, expected.message ?? 'UnknownError', expected.status]
        )
        assert.is(error.traceId, error.$metadata.requestId)
      })
    )
  }
}

publishing.run()

const retained = suite('aws-iot SDK retained messages')

retained('are read, listed page by page and gone when deleted', () =>
  withFogbank(async ({ sdk }) => {
    const client = sdk()
    const userProperties = JSON.stringify([{ a: '1' }, { a: '2' }])
    for (const topic of ['b/c', 'a b/é', 'd']) {
      await client.send(
        new PublishCommand({ topic, retain: true, qos: 1, payload: topic, userProperties })
      )
    }
    const read = await client.send(new GetRetainedMessageCommand({ topic: 'a b/é' }))
    assert.equal(
      [read.topic, Buffer.from(read.payload ?? []).toString(), read.qos],
      ['a b/é', 'a b/é', 1]
    )
    assert.equal(Buffer.from(read.userProperties ?? []).toString(), userProperties)
    assert.ok(Math.abs(Date.now() - (read.lastModifiedTime ?? 0)) < 10_000)
    const topics: (string | undefined)[] = []
    for await (const page of paginateListRetainedMessages({ client, pageSize: 2 }, {})) {
      topics.push(...(page.retainedTopics ?? []).map(({ topic }) => topic))
    }
    assert.equal(topics, ['a b/é', 'b/c', 'd'])
    await client.send(new PublishCommand({ topic: 'd', retain: true }))
    const error = await failureOf(client.send(new GetRetainedMessageCommand({ topic: 'd' })))
    assert.is(error.name, 'ResourceNotFoundException')
  })
)

retained.run()
