// An MQTT publish as the vendor's SDK receives it from the route topic.
import { EventGridReceiverClient } from '@azure/eventgrid-namespaces'
import { mintToken } from '@fogbank/contract/testing'
import { startFogbank } from 'fogbank'
import mqtt from 'mqtt'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const ID = 'azure-event-grid-namespaces'

const sdk = suite('azure-event-grid-namespaces routing with @azure/eventgrid-namespaces')

sdk('an MQTT publish is received as the documented event, with its enrichments', async () => {
  const fogbank = await startFogbank({
    only: [ID],
    log: { info: () => {}, warn: () => {}, error: () => {} },
    config: {
      [ID]: {
        topicSpacesConfiguration: {
          routeTopicResourceId: '/topics/default',
          routingEnrichments: {
            static: [{ key: 'plant', value: 'north' }],
            dynamic: [{ key: 'shift', value: '${mqtt.message.userProperties.shift}' }]
          }
        }
      }
    }
  })
  try {
    const { [ID]: own } = fogbank.endpoints
    const token = await mintToken(fogbank)
    const client = await mqtt.connectAsync(String(own!.mqtt), {
      protocolVersion: 5,
      reconnectPeriod: 0,
      properties: { authenticationMethod: 'OAUTH2-JWT', authenticationData: Buffer.from(token) }
    })
    const userProperties = { shift: 'early' }
    await client.publishAsync('lab/1', '{"t":7}', {
      qos: 1,
      properties: { contentType: 'application/json; charset=utf-8', userProperties }
    })
    await client.publishAsync('lab/2', '{"t":8}', { qos: 1, properties: { userProperties } })
    await client.endAsync()

    const { key } = own!.credentials as { key: string }
    // All that an AzureKeyCredential is made of; the class itself is another package's.
    const credential = { key } as never
    const http = String(own!.http)
    const options = { allowInsecureConnection: true }
    const receiver = new EventGridReceiverClient(http, credential, 'default', 'default', options)
    const { details } = await receiver.receiveEvents({ maxEvents: 10, maxWaitTime: 10 })
    assert.equal(
      details.map(({ event: { type, source, subject, data } }) => [type, source, subject, data]),
      [
        ['MQTT.EventPublished', 'default', 'lab/1', { t: 7 }],
        ['MQTT.EventPublished', 'default', 'lab/2', 'eyJ0Ijo4fQ==']
      ]
    )
    // This version of the SDK passes over extension attributes; the wire has them.
    const lockTokens = details.map(({ brokerProperties }) => brokerProperties.lockToken)
    await receiver.releaseEvents(lockTokens)
    const reply = await fetch(
      `${http}/topics/default/eventsubscriptions/default:receive?api-version=2024-06-01&maxEvents=10`,
      { method: 'POST', headers: { authorization: `SharedAccessKey ${key}` } }
    )
    const { value } = (await reply.json()) as { value: { event: Record<string, unknown> }[] }
    assert.equal(
      value.map(({ event: { subject, plant, shift } }) => [subject, plant, shift]),
      [
        ['lab/1', 'north', 'early'],
        ['lab/2', 'north', 'early']
      ]
    )
  } finally {
    await fogbank.close()
  }
})

sdk.run()
