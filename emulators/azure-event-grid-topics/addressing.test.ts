// Whose endpoint a request is for, and which settings are refused.
import { createServer } from 'node:net'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { failureOf } from '@fogbank/contract/testing'
import type { Settings } from './settings.ts'
import { BATCH, CLOUD_EVENT, EVENT, ID, messageOf, withTopics } from './testing.ts'

const EVENTS = [EVENT]
const KEYS = {
  key1: 'a2V5LW9mLWJpbGxpbmc=',
  key2: 'b3RoZXIta2V5LW9mLWJpbGxpbmc='
}
const SHOP: Settings = {
  topics: [{ name: 'default' }, { name: 'Orders' }, { name: 'billing', keys: KEYS }],
  domains: [{ name: 'shop-domain', inputSchema: 'CloudEventSchemaV1_0' }]
}

const addressing = suite('azure-event-grid-topics addressing')

// The key of billing tells it from the others.
const CASES: [target: string, host: string | undefined, outcome: string][] = [
  ['/api/events', undefined, '200 ok'],
  ['/API/EVENTS/', undefined, '200 ok'],
  ['/orders/api/events', undefined, '200 ok'],
  ['/ORDERS/Api/events/?api-version=2018-01-01', undefined, '200 ok'],
  ['/billing/api/events', undefined, '401 KeyWrong'],
  ['/api/events', 'billing.localhost', '401 KeyWrong'],
  ['/api/events', 'BILLING.LOCALHOST:4630', '401 KeyWrong'],
  ['/api/events', 'billing.westus2-1.eventgrid.azure.net', '401 KeyWrong'],
  ['/api/events', 'billing.any.eventgrid.localhost:80', '401 KeyWrong'],
  ['/billing/api/events', 'billing.localhost', '401 KeyWrong'],
  ['/orders/api/events', 'billing.localhost', '404 NotFound'],
  ['/orders/api/events', 'fogbank.localhost', '200 ok'],
  ['/api/events', 'nobody.localhost', '404 NotFound'],
  ['/api/events', 'fogbank', '200 ok'],
  ['/nobody/api/events', undefined, '404 NotFound'],
  ['/orders/x/api/events', undefined, '404 NotFound'],
  ['/api/events/x', undefined, '404 NotFound'],
  ['/', undefined, '404 NotFound'],
  ['/api/events?api-version=2099-01-01', undefined, '200 ok'],
  ['/api/events?API-Version=', undefined, '200 ok']
]

addressing('names a topic by path or by host', () =>
  withTopics({ settings: SHOP }, async ({ outcome }) => {
    for (const [target, host, expected] of CASES) {
      const headers: Record<string, string> = host === undefined ? {} : { host }
      assert.is(await outcome(EVENTS, { target, headers }), expected, `${host} ${target}`)
    }
  })
)

addressing('the 404 repeats the address as it was asked for', () =>
  withTopics({}, async ({ publish }) => {
    const headers = { host: 'Nobody.localhost:4630' }
    const message = messageOf(await publish(EVENTS, { target: '/API/events/?b=%20&a', headers }))
    assert.match(message, "URI 'http://Nobody.localhost:4630/API/events/?b=%20&a'.")
  })
)

addressing('other verbs are refused, and HEAD finds nothing', () =>
  withTopics({}, async ({ publish, outcome }) => {
    for (const method of ['GET', 'PUT', 'PATCH', 'DELETE']) {
      const reply = await publish('', { method })
      assert.equal([reply.status, reply.headers.allow], [405, 'POST, OPTIONS'], method)
    }
    const head = await publish('', { method: 'HEAD' })
    assert.equal([head.status, head.headers['content-length']], [404, '0'])
    assert.is(await outcome('', { method: 'GET', target: '/nobody/api/events' }), '404 NotFound')
  })
)

/** A port nobody listens on. */
async function findPort(): Promise<number> {
  const server = createServer().listen(0)
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  server.close()
  await once(server, 'close')
  return port
}

addressing('a topic with a port of its own is alone there', async () => {
  const port = await findPort()
  const settings: Settings = {
    topics: [{ name: 'default' }, { name: 'billing', keys: KEYS, port }]
  }
  await withTopics({ settings }, async () => {
    const statuses = []
    for (const path of ['/api/events', '/billing/api/events', '/default/api/events']) {
      const reply = await fetch(`http://localhost:${port}${path}`, {
        method: 'POST',
        headers: { 'aeg-sas-key': KEYS.key1 },
        body: JSON.stringify(EVENTS)
      })
      statuses.push(reply.status)
    }
    assert.equal(statuses, [200, 200, 404])
  })
})

addressing('a port that is taken is named by its setting', async () => {
  const server = createServer().listen({ port: 0, host: '127.0.0.1' })
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  try {
    const message = await faultOf({ topics: [{ name: 'default', port }] })
    assert.match(message, `port ${port} (${ID}) is taken`)
    assert.match(message, `${ID}.topics (default).port`)
  } finally {
    server.close()
  }
})

addressing('lenient takes any key, token or signature of the right form', () =>
  withTopics({ auth: 'lenient' }, async ({ outcome }) => {
    const sas = (expiry: string) => ({ 'aeg-sas-token': `r=x&e=${expiry}&s=AAAA` })
    const calls: [Record<string, string>, string][] = [
      [{ 'aeg-sas-key': 'AAAA' }, '200 ok'],
      [{ 'aeg-sas-key': '@' }, '401 KeyNotBase64'],
      [{ 'aeg-sas-key': '' }, '400 KeyEmpty'],
      [sas('4070908800'), '200 ok'],
      [sas('1'), '401 SasExpired'],
      [{ 'aeg-sas-token': 'AAAA' }, '400 SasMalformed'],
      [{}, '401 CredentialMissing']
    ]
    for (const [headers, expected] of calls) {
      assert.is(await outcome(EVENTS, { headers, key: null }), expected)
    }
  })
)

const rules = suite('azure-event-grid-topics IP rules')

const RULES: [mask: string[], outcome: string][] = [
  [[], '200 ok'],
  [['127.0.0.1'], '200 ok'],
  [['127.0.0.0/8'], '200 ok'],
  [['10.0.0.0/8', '127.0.0.0/30'], '200 ok'],
  [['127.0.0.2/32'], '403 ClientIpRejected'],
  [['10.0.0.0/8'], '403 ClientIpRejected'],
  [['::1', 'fd00::/8'], '403 ClientIpRejected']
]

for (const [masks, expected] of RULES) {
  rules(`from loopback with ${masks.join(', ') || 'no rules'}: ${expected}`, () => {
    const inboundIpRules = masks.map((ipMask) => ({ ipMask, action: 'Allow' as const }))
    const settings = { topics: [{ name: 'default', inboundIpRules }] }
    return withTopics({ settings }, async ({ outcome }) => {
      assert.is(await outcome(EVENTS), expected)
    })
  })
}

rules('no public access: nobody comes in', () => {
  const settings: Settings = {
    topics: [{ name: 'default', publicNetworkAccess: 'Disabled' }]
  }
  return withTopics({ settings }, async ({ outcome }) => {
    assert.is(await outcome(EVENTS), '403 ClientIpRejected')
  })
})

rules.run()

const FAULTS: [what: string, settings: object, sentence: RegExp][] = [
  ['two of a name', { topics: [{ name: 'shop' }], domains: [{ name: 'SHOP' }] }, /SHOP is taken/],
  [
    'a reserved name',
    { topics: [{ name: 'SystemX' }] },
    /topics\[0\] \(SystemX\): a name must not/
  ],
  ['a name too short', { topics: [{ name: 'ab' }] }, /topics/],
  ['a name with a dot', { topics: [{ name: 'a.b.c' }] }, /topics/],
  ['a key that is no base64', { topics: [{ name: 'abc', keys: { key1: '@', key2: '' } }] }, /key1/],
  [
    'a port twice',
    { topics: [{ name: 'abc', port: 1 }], domains: [{ name: 'def', port: 1 }] },
    /port 1 of def is that of abc/
  ],
  [
    'a mask that is none',
    { topics: [{ name: 'abc', inboundIpRules: [{ ipMask: '10.0.0.0/33' }] }] },
    /topics\[0\] \(abc\): inboundIpRules: 10\.0\.0\.0\/33/
  ],
  [
    'a custom schema without mapping',
    { topics: [{ name: 'abc', inputSchema: 'CustomEventSchema' }] },
    /needs an inputSchemaMapping/
  ],
  [
    'a mapping on Event Grid schema',
    { topics: [{ name: 'abc', inputSchemaMapping: { id: { sourceField: 'x' } } }] },
    /inputSchemaMapping is for CustomEventSchema/
  ],
  [
    'a custom domain without topic',
    {
      domains: [
        {
          name: 'abc',
          inputSchema: 'CustomEventSchema',
          inputSchemaMapping: { subject: { sourceField: 'x' } }
        }
      ]
    },
    /needs inputSchemaMapping\.topic\.sourceField/
  ],
  [
    'a target mapped to nothing',
    {
      topics: [
        { name: 'abc', inputSchema: 'CustomEventSchema', inputSchemaMapping: { subject: {} } }
      ]
    },
    /subject/
  ],
  ['an unknown key', { topics: [{ name: 'abc', keyz: 1 }] }, /keyz/]
]

for (const [what, settings, sentence] of FAULTS) {
  addressing(`${what} is refused at start`, async () => {
    assert.match(await faultOf(settings as Settings), sentence)
  })
}

async function faultOf(settings: Settings): Promise<string> {
  return (await failureOf(withTopics({ settings }, async () => {}))).message
}

addressing('a CloudEvents domain is addressed as a topic is', () =>
  withTopics({ settings: SHOP }, async ({ outcome }) => {
    const call = { target: '/shop-domain/api/events', headers: BATCH }
    assert.is(await outcome([{ ...CLOUD_EVENT, source: 'Subject-0' }], call), '200 ok')
  })
)

addressing(
  'the endpoint that is told is that of the default topic, or else of the first',
  async () => {
    for (const [settings, path] of [
      [{}, '/api/events'],
      [{ topics: [{ name: 'orders' }, { name: 'default' }] }, '/api/events'],
      [{ topics: [{ name: 'orders', keys: KEYS }] }, '/orders/api/events']
    ] as const) {
      await withTopics({ settings: settings as Settings }, async ({ world, outcome }) => {
        const { http, endpoint, credentials } = world.fogbank.endpoints[ID]!
        assert.is(endpoint, `${String(http)}${path}`)
        const { key1 } = credentials as { key1: string }
        assert.is(
          await outcome(EVENTS, { target: path, headers: { 'aeg-sas-key': key1 } }),
          '200 ok'
        )
      })
    }
  }
)

addressing.run()
