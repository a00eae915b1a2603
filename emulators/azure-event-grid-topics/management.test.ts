// The reading calls of the management API, on the control port.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import type { Settings } from './settings.ts'
import { EVENT, ID, withTopics, type Topics } from './testing.ts'

const SETTINGS: Settings = {
  subscriptionId: 's1',
  resourceGroup: 'rg1',
  location: 'westeurope',
  topics: [
    { name: 'default' },
    {
      name: 'custom',
      inputSchema: 'CustomEventSchema',
      inputSchemaMapping: { subject: { sourceField: 'sub' } },
      inboundIpRules: [{ ipMask: '127.0.0.1' }],
      disableLocalAuth: true
    }
  ],
  domains: [{ name: 'shop', keys: { key1: 'AAAA', key2: 'BBBB' } }]
}

const ARM = '/subscriptions/s1/resourceGroups/rg1/providers/Microsoft.EventGrid'

const management = suite('azure-event-grid-topics management')

async function ask({ world }: Topics, method: string, path: string) {
  const { http } = world.fogbank.endpoints.control!
  const reply = await fetch(`${String(http)}/${ID}${path}?api-version=2025-02-15`, { method })
  return { status: reply.status, body: (await reply.json()) as any }
}

const withManagement = (run: (topics: Topics) => Promise<void>) =>
  withTopics({ settings: SETTINGS }, run)

management('shows a topic, its endpoint and its rules', () =>
  withManagement(async (topics) => {
    const { port } = new URL(String(topics.world.fogbank.endpoints[ID]!.http))
    const shown = await ask(topics, 'GET', `${ARM}/topics/default`)
    assert.equal(shown, {
      status: 200,
      body: {
        id: `${ARM}/topics/default`,
        name: 'default',
        type: 'Microsoft.EventGrid/topics',
        location: 'westeurope',
        properties: {
          provisioningState: 'Succeeded',
          endpoint: `http://localhost:${port}/api/events`,
          inputSchema: 'EventGridSchema',
          disableLocalAuth: false,
          publicNetworkAccess: 'Enabled',
          inboundIpRules: []
        }
      }
    })
    const custom = await ask(topics, 'GET', `${ARM.toLowerCase()}/TOPICS/Custom`)
    assert.equal(custom.body.properties, {
      provisioningState: 'Succeeded',
      endpoint: `http://localhost:${port}/custom/api/events`,
      inputSchema: 'CustomEventSchema',
      inputSchemaMapping: {
        inputSchemaMappingType: 'Json',
        properties: { subject: { sourceField: 'sub' } }
      },
      disableLocalAuth: true,
      publicNetworkAccess: 'Enabled',
      inboundIpRules: [{ ipMask: '127.0.0.1', action: 'Allow' }]
    })
  })
)

management('what it shows of endpoint and key is good for a publish', () =>
  withManagement(async (topics) => {
    const { body: topic } = await ask(topics, 'GET', `${ARM}/topics/default`)
    const { body: keys } = await ask(topics, 'POST', `${ARM}/topics/default/listKeys`)
    assert.equal(keys, { key1: DEVELOPMENT_KEYS.topicKey1, key2: DEVELOPMENT_KEYS.topicKey2 })
    const reply = await fetch(topic.properties.endpoint, {
      method: 'POST',
      headers: { 'aeg-sas-key': keys.key2 },
      body: JSON.stringify([EVENT])
    })
    assert.is(reply.status, 200)
  })
)

management('lists what there is of a kind', () =>
  withManagement(async (topics) => {
    const names = async (path: string) =>
      (await ask(topics, 'GET', path)).body.value.map(({ name }: { name: string }) => name)
    assert.equal(await names(`${ARM}/topics`), ['default', 'custom'])
    assert.equal(await names('/subscriptions/s1/providers/Microsoft.EventGrid/domains'), ['shop'])
    const { body } = await ask(topics, 'POST', `${ARM}/domains/shop/listKeys`)
    assert.equal(body, { key1: 'AAAA', key2: 'BBBB' })
  })
)

management('what is not there is not found, and other verbs are not allowed', () =>
  withManagement(async (topics) => {
    const calls: [method: string, path: string, status: number, code: string][] = [
      ['GET', `${ARM}/topics/nobody`, 404, 'ResourceNotFound'],
      ['GET', `${ARM}/domains/default`, 404, 'ResourceNotFound'],
      ['POST', `${ARM}/topics/nobody/listKeys`, 404, 'ResourceNotFound'],
      ['DELETE', `${ARM}/topics/default`, 405, 'MethodNotAllowed'],
      ['GET', `${ARM}/topics/default/listKeys`, 405, 'MethodNotAllowed'],
      ['POST', `${ARM}/topics`, 405, 'MethodNotAllowed'],
      ['GET', `${ARM}/namespaces/x`, 404, 'ResourceNotFound']
    ]
    for (const [method, path, status, code] of calls) {
      const { status: answered, body } = await ask(topics, method, path)
      assert.equal([answered, body.error.code], [status, code], `${method} ${path}`)
    }
  })
)

management('counts what was published, until a reset', () =>
  withManagement(async (topics) => {
    const large = { ...EVENT, data: 'x'.repeat(65_536) }
    assert.is(await topics.outcome([EVENT, large]), '200 ok')
    assert.is(await topics.outcome([EVENT, { ...EVENT, id: '' }]), '400 PropertyMissing')
    const read = async () => (await ask(topics, 'GET', '/metrics')).body
    assert.equal(await read(), {
      [`${ARM}/topics/default`]: { PublishSuccessCount: 2, operations: 3 }
    })
    await topics.world.fogbank.reset()
    assert.equal(await read(), {})
  })
)

management.run()
