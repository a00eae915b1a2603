// What is told of the sessions of a namespace's clients.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withNamespace, type World } from '../testing.ts'

const OID = 'f09ba2c0-0000-4000-8000-000000000003'

const lifecycle = suite('azure-event-grid-namespaces lifecycle events')

async function told(world: World): Promise<Record<string, any>[]> {
  const { body } = await world.control('GET', '/namespaces/default/lifecycleEvents')
  return body.value
}

lifecycle('tell of a connection and its end, under one number', () =>
  withNamespace({}, async (world) => {
    const client = await world.client(await world.jwt())
    await client.next()
    const [connected, ...others] = await told(world)
    assert.equal(others, [])
    const { id, ...event } = connected!
    assert.match(id, /^[0-9a-f-]{36}$/)
    assert.equal(event, {
      specversion: '1.0',
      time: '2026-01-02T03:04:05.000Z',
      source:
        '/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/fogbank/providers/Microsoft.EventGrid/namespaces/default',
      type: 'Microsoft.EventGrid.MQTTClientSessionConnected',
      subject: `clients/${OID}/sessions/dev1`,
      data: {
        namespaceName: 'default',
        clientAuthenticationName: OID,
        clientSessionName: 'dev1',
        sequenceNumber: 1
      }
    })
    const again = await world.client(await world.jwt())
    await again.next()
    await client.next()
    const data = (await told(world)).map((one) => one.data)
    assert.equal(
      data.map(({ sequenceNumber, disconnectionReason }) => [sequenceNumber, disconnectionReason]),
      [
        [1, undefined],
        [1, 'SessionTakenOver'],
        [2, undefined]
      ]
    )
  })
)

lifecycle('say ClientAuthenticationError when a token ends', () =>
  withNamespace({}, async (world) => {
    const client = await world.client(await world.jwt(await world.mint({ expiresInSeconds: 60 })))
    await client.next()
    world.clock.advance(60_000)
    assert.is((await client.next())?.cmd, 'disconnect')
    assert.is(await client.next(), undefined)
    const last = (await told(world)).at(-1)!
    assert.is(last.type, 'Microsoft.EventGrid.MQTTClientSessionDisconnected')
    assert.is(last.data.disconnectionReason, 'ClientAuthenticationError')
  })
)

lifecycle.run()
