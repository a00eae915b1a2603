// The state of the namespaces, read and changed while they run.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { startFogbank } from 'fogbank'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withNamespace } from './testing.ts'

const SPACES = '/namespaces/default/topicSpaces'
const TOPICS = '/namespaces/default/topics'
const V = 'api-version=2024-06-01'
const KEY = { authorization: 'SharedAccessKey Zm9nYmFuay1sb2NhbC1uYW1lc3BhY2Uta2V5LW9uZSE=' }
const EVENT = '{"id":"1","source":"s","type":"t","specversion":"1.0","data":1}'

const control = suite('azure-event-grid-namespaces control')

control('shows the default namespace whole', () =>
  withNamespace({}, async (world) => {
    const { status, body } = await world.control('GET', '/namespaces')
    assert.is(status, 200)
    assert.is(body.value.length, 1)
    const [namespace] = body.value
    assert.is(namespace.name, 'default')
    assert.equal(namespace.topicSpaces, [{ name: 'all', topicTemplates: ['#'] }])
    assert.equal(namespace.topics, [{ name: 'default', eventSubscriptions: [{ name: 'default' }] }])
    assert.equal(
      namespace.permissionBindings.map(({ name }: { name: string }) => name),
      ['all-all-Publisher', 'all-all-Subscriber']
    )
    assert.equal(await world.control('GET', '/namespaces/default'), {
      status: 200,
      body: namespace
    })
  })
)

control('reads, makes, changes and removes a resource', () =>
  withNamespace({}, async (world) => {
    const lab = { name: 'lab', topicTemplates: ['lab/#'] }
    assert.is((await world.control('GET', `${SPACES}/lab`)).status, 404)
    const put = await world.control('PUT', `${SPACES}/lab`, { topicTemplates: ['lab/#'] })
    assert.equal(put, { status: 200, body: lab })
    assert.equal((await world.control('GET', `${SPACES}/lab`)).body, lab)
    const changed = { name: 'lab', topicTemplates: ['lab/+'] }
    assert.equal((await world.control('PUT', `${SPACES}/lab`, changed)).body, changed)
    const names = async () =>
      (await world.control('GET', SPACES)).body.value.map(({ name }: { name: string }) => name)
    assert.equal(await names(), ['all', 'lab'])
    assert.is((await world.control('DELETE', `${SPACES}/lab`)).status, 204)
    assert.equal(await names(), ['all'])
    assert.is((await world.control('DELETE', `${SPACES}/lab`)).status, 404)
  })
)

const REFUSED: [what: string, method: string, path: string, body: unknown, sentence: RegExp][] = [
  [
    'an unknown key',
    'PUT',
    `${SPACES}/lab`,
    { templates: [] },
    /^topicSpaces\/?(topicTemplates|templates)?: must/
  ],
  [
    'a template that is none',
    'PUT',
    `${SPACES}/lab`,
    { topicTemplates: ['a', 'a/#/b'] },
    /^topicSpaces\/lab\/topicTemplates\/1: .*'a\/#\/b'/
  ],
  [
    'a binding to nobody',
    'PUT',
    '/namespaces/default/permissionBindings/x',
    { clientGroupName: 'nobody', topicSpaceName: 'all', permission: 'Publisher' },
    /there is no client group nobody/
  ],
  ['a space that is bound', 'DELETE', `${SPACES}/all`, undefined, /there is no topic space all/],
  [
    'another name',
    'PUT',
    `${SPACES}/lab`,
    { name: 'x', topicTemplates: ['a'] },
    /the path says lab/
  ],
  [
    'a name that is none',
    'PUT',
    `${SPACES}/a_b`,
    { topicTemplates: ['a'] },
    /^topicSpaces\/name: /
  ],
  [
    'a query that is none',
    'PUT',
    '/namespaces/default/clientGroups/all-of-them',
    { query: 'attributes.' },
    /^clientGroups\/all-of-them\/query: attributes\.KEY or/
  ],
  [
    'a role that says nothing here',
    'PUT',
    '/namespaces/default/roleAssignments/one',
    { properties: { principalId: 'p', roleDefinitionId: '/roleDefinitions/8e3af657' } },
    /^roleAssignments\/one\/properties\/roleDefinitionId: .*8e3af657 gives no right on events/
  ],
  [
    'an address that is none',
    'PATCH',
    '/namespaces/default',
    { inboundIpRules: [{ ipMask: '10.0.0.0/33' }] },
    /^inboundIpRules: 10\.0\.0\.0\/33 is no address and no CIDR range/
  ],
  [
    'a certificate that is none',
    'PUT',
    '/namespaces/default/caCertificates/lab',
    { encodedCertificate: 'x' },
    /^caCertificates\/lab\/encodedCertificate is no certificate/
  ],
  [
    'a time to live beyond the retention',
    'PUT',
    `${TOPICS}/default/eventSubscriptions/slow`,
    { deliveryConfiguration: { queue: { eventTimeToLive: 'P2D' } } },
    /^topics\/default\/eventSubscriptions\/slow: eventTimeToLive P2D is not between/
  ],
  [
    'a lock that is too short',
    'PUT',
    `${TOPICS}/default/eventSubscriptions/slow`,
    { deliveryConfiguration: { queue: { receiveLockDurationInSeconds: 59 } } },
    /^eventSubscriptions\/deliveryConfiguration\/queue\/receiveLockDurationInSeconds: must be >= 60/
  ],
  [
    'a property of nobody',
    'PATCH',
    '/namespaces/default',
    { colour: 'red' },
    /^colour: is no prop/
  ],
  ['the space', 'PATCH', '/namespaces/default', { space: 'other' }, /^space: is no property/],
  ['a bad property', 'PATCH', '/namespaces/default', { keys: [] }, /^keys: must NOT have fewer/]
]
for (const [what, method, target, body, sentence] of REFUSED) {
  control(`refuses ${what}, and nothing has changed`, () =>
    withNamespace({}, async (world) => {
      const before = await world.control('GET', '/namespaces/default')
      await assertRefused(world.control(method, target, body), sentence)
      assert.equal(await world.control('GET', '/namespaces/default'), before)
    })
  )
}

/** In a personality's own app a SettingsError is thrown; the control port answers it with 400. */
async function assertRefused(call: Promise<{ status: number; body: any }>, sentence: RegExp) {
  const { status, body } = await call
  assert.is(status, 400)
  assert.match(body.error, sentence)
}

control('hides what a delivery attribute keeps secret, and sends it all the same', () =>
  withNamespace({}, async (world) => {
    const toSubscription = (value: string) => ({
      deliveryConfiguration: {
        deliveryMode: 'Push',
        push: {
          destination: {
            endpointType: 'WebHook',
            properties: {
              endpointUrl: 'http://127.0.0.1:1/',
              deliveryAttributeMappings: [
                { name: 'X-Key', type: 'Static', properties: { value, isSecret: true } },
                { name: 'X-Open', type: 'Static', properties: { value: 'seen', isSecret: false } }
              ]
            }
          }
        }
      }
    })
    const target = `${TOPICS}/default/eventSubscriptions/hook`
    const put = await world.control('PUT', target, toSubscription('s3cret'))
    assert.is(put.status, 200)
    const shown = toSubscription('Hidden').deliveryConfiguration
    assert.equal(put.body.deliveryConfiguration, shown)
    assert.equal((await world.control('GET', target)).body.deliveryConfiguration, shown)
    const subscriptionsOf = (topic: any) => topic.eventSubscriptions.at(-1).deliveryConfiguration
    const { body: topic } = await world.control('GET', `${TOPICS}/default`)
    assert.equal(subscriptionsOf(topic), shown)
    const { body: topics } = await world.control('GET', TOPICS)
    assert.equal(subscriptionsOf(topics.value[0]), shown)
    for (const path of ['/namespaces', '/namespaces/default']) {
      const { body } = await world.control('GET', path)
      assert.equal(subscriptionsOf((body.value?.[0] ?? body).topics[0]), shown)
    }
    const other = await world.control('PUT', `${TOPICS}/default`, {
      eventSubscriptions: [{ name: 'hook', ...toSubscription('s3cret') }]
    })
    assert.equal(subscriptionsOf(other.body), shown)
  })
)

control('shows the sessions, and ends the connection of one', () =>
  withNamespace({}, async (world) => {
    const sessions = async () => (await world.control('GET', '/namespaces/default/sessions')).body
    assert.equal(await sessions(), { value: [] })
    const properties = { sessionExpiryInterval: 60 }
    const jwt = await world.jwt(undefined, properties)
    const client = await world.client({ ...jwt, clientId: 'one', clean: false })
    assert.is((await client.next())?.reasonCode, 0)
    await client.mqtt.subscribeAsync('lab/#', { qos: 1 })
    await client.next()
    const shown = {
      clientSessionName: 'one',
      clientAuthenticationName: 'f09ba2c0-0000-4000-8000-000000000003',
      connected: true,
      connectedAt: '2026-01-02T03:04:05.000Z',
      subscriptions: ['lab/#'],
      queuedMessages: 0
    }
    assert.equal(await sessions(), { value: [shown] })
    const target = '/namespaces/default/sessions/one/disconnect'
    assert.equal(await world.control('POST', target), { status: 204, body: undefined })
    assert.is((await client.next())?.reasonCode, 0x98)
    assert.equal(await sessions(), {
      value: [{ ...shown, connected: false, expiresAt: '2026-01-02T03:05:05.000Z' }]
    })
    assert.is((await world.control('POST', target)).status, 204)
    assert.is((await world.control('POST', target.replace('one', 'two'))).status, 404)
    assert.is((await world.control('POST', target.replace('default', 'other'))).status, 404)
    assert.is((await world.control('GET', '/namespaces/other/sessions')).status, 404)
  })
)

control('lets events into a topic that was made, and loses those of one that is gone', () =>
  withNamespace({ settings: { allowShortWait: true } }, async (world) => {
    const publish = () =>
      world.send({
        target: `/topics/orders:publish?${V}`,
        headers: { ...KEY, 'content-type': 'application/cloudevents+json' },
        body: EVENT
      })
    const receive = () =>
      world.send({
        target: `/topics/orders/eventsubscriptions/worker:receive?${V}&maxWaitTime=0`,
        headers: KEY
      })
    assert.is((await publish()).status, 410)
    await world.control('PUT', `${TOPICS}/orders`, { eventSubscriptions: [{ name: 'worker' }] })
    assert.is((await publish()).status, 200)
    assert.is(JSON.parse((await receive()).text).value.length, 1)
    await world.control('DELETE', `${TOPICS}/orders/eventSubscriptions/worker`)
    assert.is((await receive()).status, 404)
    await world.control('PUT', `${TOPICS}/orders/eventSubscriptions/worker`, {})
    assert.is((await receive()).text, '{"value":[]}')
  })
)

control('accepts a new key at once and the old one no more', () =>
  withNamespace({}, async (world) => {
    const key = Buffer.alloc(32, 'n').toString('base64')
    await world.control('PATCH', '/namespaces/default', { keys: [key] })
    const call = { target: `/topics/default:publish?${V}`, body: '[]' }
    const type = { 'content-type': 'application/cloudevents-batch+json' }
    const old = await world.send({ ...call, headers: { ...KEY, ...type } })
    assert.is(old.status, 401)
    const codeOf = async (own: string) => {
      const authorization = `SharedAccessKey ${own}`
      return (await world.send({ ...call, headers: { authorization, ...type } })).status
    }
    assert.is(await codeOf(key), 200)
    const second = Buffer.alloc(32, 's').toString('base64')
    await world.control('PATCH', '/namespaces/default', { keys: [key, second] })
    assert.equal([await codeOf(key), await codeOf(second)], [200, 200])
  })
)

control('ends the session of a client that is disabled', () =>
  withNamespace({}, async (world) => {
    const client = await world.client(await world.jwt())
    assert.is((await client.next())?.reasonCode, 0)
    const assignments = '/namespaces/default/roleAssignments'
    const { body } = await world.control('GET', assignments)
    await client.mqtt.subscribeAsync('lab/#', { qos: 1 })
    await client.next()
    for (const { name } of body.value) await world.control('DELETE', `${assignments}/${name}`)
    assert.is((await client.next())?.reasonCode, 0x87)
  })
)

control('keeps changes over a restart, and loses them with a reset', async () => {
  const dataDir = await mkdtemp(path.join(tmpdir(), 'fogbank-control-'))
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const only = ['azure-event-grid-namespaces']
  const url = (fogbank: { endpoints: any }, target: string) =>
    `${fogbank.endpoints.control.http}/azure-event-grid-namespaces${target}`
  try {
    const first = await startFogbank({ only, log, dataDir })
    const body = JSON.stringify({ topicTemplates: ['lab/#'] })
    const put = await fetch(url(first, `${SPACES}/lab`), { method: 'PUT', body })
    assert.is(put.status, 200)
    const refused = await fetch(url(first, `${SPACES}/all`), { method: 'DELETE' })
    assert.is(refused.status, 400)
    await first.close()
    const second = await startFogbank({ only, log, dataDir })
    try {
      assert.is((await fetch(url(second, `${SPACES}/lab`))).status, 200)
      await second.reset()
      assert.is((await fetch(url(second, `${SPACES}/lab`))).status, 404)
    } finally {
      await second.close()
    }
  } finally {
    await rm(dataDir, { recursive: true })
  }
})

const several = suite('azure-event-grid-namespaces, several of them')

several('are found by host, by path and by their own host names, and keep apart', () =>
  withNamespace(
    {
      settings: {
        topics: [],
        namespaces: [
          { name: 'labns', topics: [{ name: 'orders' }] },
          { name: 'other', topicsConfiguration: { hostname: 'events.example.com' } }
        ]
      }
    },
    async ({ running }) => {
      const ask = async (url: string) => {
        const headers = { ...KEY, 'content-type': 'application/cloudevents+json' }
        const init = { method: 'POST', headers, body: EVENT }
        return (await running.app.request(`${url}:publish?${V}`, init)).status
      }
      assert.is(await ask('http://labns.localhost:4620/topics/orders'), 200)
      assert.is(await ask('http://labns.westeurope-1.eventgrid.azure.net/topics/orders'), 200)
      assert.is(await ask('http://localhost:4620/labns/topics/orders'), 200)
      assert.is(await ask('http://localhost:4620/topics/orders'), 410)
      assert.is(await ask('http://events.example.com/topics/default'), 200)
      assert.is(await ask('http://localhost:4620/nowhere/topics/orders'), 404)
    }
  )
)

several('with one name, or one space, are refused', async () => {
  const refused = async (settings: object, sentence: RegExp) => {
    const error = await withNamespace({ settings }, async () => {}).then(
      () => undefined,
      (thrown: Error) => thrown
    )
    assert.match(error?.message ?? '', sentence)
  }
  await refused({ namespaces: [{ name: 'default' }] }, /^namespaces: there are two named default$/)
  const space = 'main'
  await refused(
    { namespaces: [{ name: 'lab', space }] },
    /^namespaces\/lab: the space main is that of default$/
  )
})

control.run()
several.run()
