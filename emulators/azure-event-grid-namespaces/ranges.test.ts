// The ranges of the ARM properties: a configuration at all of its limits starts, and with one of them passed it does not.
import { startFogbank } from 'fogbank'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const ranges = suite('azure-event-grid-namespaces ranges of settings')

const ID = 'azure-event-grid-namespaces'
const QUIET = { info: () => {}, warn: () => {}, error: () => {} }

const many = <Item>(count: number, make: (index: number) => Item): Item[] =>
  Array.from({ length: count }, (_, index) => make(index))
const letters = (count: number) => 'x'.repeat(count)

/** Everything as large, or as small, as it may be. */
const atLimits = () => ({
  name: letters(50),
  sku: { name: 'Standard', capacity: 40 },
  keys: ['a2V5MQ==', 'a2V5Mg=='],
  publicNetworkAccess: 'Enabled',
  inboundIpRules: many(16, (index) => ({ ipMask: `10.0.${index}.0/24`, action: 'Allow' })),
  topicSpacesConfiguration: {
    maximumSessionExpiryInHours: 8,
    maximumClientSessionsPerAuthenticationName: 100,
    routingEnrichments: {
      static: many(10, (index) => ({ key: `fixed${index}`, value: letters(128) })),
      dynamic: many(10, (index) => ({
        key: `${letters(19)}${index}`,
        value: '${client.authenticationName}'
      }))
    }
  },
  topicSpaces: many(10, (index) => ({
    name: `${letters(48)}${index + 10}`,
    topicTemplates: many(10, (one) => `${index}/${one}`)
  })),
  clientGroups: many(10, (index) => ({ name: `g${index + 10}`, query: 'attributes.a = 1' })),
  permissionBindings: many(100, (index) => ({
    name: `b${index}`,
    clientGroupName: 'g10',
    topicSpaceName: `${letters(48)}10`,
    permission: 'Publisher'
  })),
  clients: [
    { name: letters(128), authenticationName: 'ä'.repeat(128) },
    {
      name: 'a',
      clientCertificateAuthentication: {
        validationScheme: 'ThumbprintMatch',
        allowedThumbprints: ['0'.repeat(40), '1'.repeat(64)]
      }
    }
  ],
  topics: [
    {
      name: 'abc',
      eventRetentionInDays: 7,
      eventSubscriptions: [
        subscription({
          queue: { receiveLockDurationInSeconds: 300, maxDeliveryCount: 10, eventTimeToLive: 'P7D' }
        }),
        ...many(497, (index) => ({ name: `s${index + 100}` })),
        { ...push(), name: 'pushing' },
        { ...push({ maxEventsPerBatch: 1, preferredBatchSizeInKilobytes: 1 }), name: 'single' }
      ]
    },
    {
      name: letters(50),
      eventRetentionInDays: 1,
      eventSubscriptions: [
        subscription({
          queue: { receiveLockDurationInSeconds: 60, maxDeliveryCount: 1, eventTimeToLive: 'PT1M' }
        })
      ]
    }
  ],
  namespaces: [{ name: 'abc' }]
})

type Config = ReturnType<typeof atLimits>

function subscription(deliveryConfiguration: object) {
  return { name: letters(50), deliveryConfiguration }
}

function push(properties: object = {}, more: object = {}) {
  const destination = {
    endpointType: 'WebHook',
    properties: {
      endpointUrl: 'http://127.0.0.1:1/',
      maxEventsPerBatch: 5_000,
      preferredBatchSizeInKilobytes: 1_024,
      deliveryAttributeMappings: many(10, (index) => ({
        name: `X-${index}`,
        type: 'Static',
        properties: { value: letters(4_096) }
      })),
      ...properties
    }
  }
  const own = { maxDeliveryCount: 10, eventTimeToLive: 'P7D', destination, ...more }
  return { name: 'pushing', deliveryConfiguration: { deliveryMode: 'Push', push: own } }
}

ranges('are closed: at all of its limits a configuration is good', async () => {
  const fogbank = await startFogbank({ only: [ID], log: QUIET, config: { [ID]: atLimits() } })
  await fogbank.close()
})

/** A list with one item more; what it is does not matter. */
const longer = (list: unknown[]) => list.push(structuredClone(list[0]))
const queue = (more: object) => (config: Config) =>
  (config.topics[0]!.eventSubscriptions[0] = subscription({ queue: more }))
const pushing =
  (properties: object, more: object = {}) =>
  (config: Config) =>
    config.topics[0]!.eventSubscriptions.splice(1, 1, { ...push(properties, more), name: 'past' })
const value = (bytes: string) => ({
  deliveryAttributeMappings: [{ name: 'X', type: 'Static', properties: { value: bytes } }]
})

const ATTRIBUTE = { type: 'Static', properties: { value: 'x' } }

const PAST: [what: string, change: (config: Config) => unknown, sentence: RegExp][] = [
  ['a name of 51 characters', (config) => (config.name = letters(51)), /name"/],
  [
    'a name of 2 characters',
    (config) => (config.namespaces[0]!.name = 'ab'),
    /namespaces\.0\.name"/
  ],
  ['a name with a dot', (config) => (config.name = 'a.b'), /name"/],
  ['no throughput unit', (config) => (config.sku.capacity = 0), /sku\.capacity"/],
  ['41 throughput units', (config) => (config.sku.capacity = 41), /sku\.capacity"/],
  ['three keys', (config) => longer(config.keys), /keys"/],
  ['no key', (config) => (config.keys = []), /keys"/],
  ['17 addresses', (config) => longer(config.inboundIpRules), /inboundIpRules"/],
  [
    'sessions of 9 hours',
    (config) => (config.topicSpacesConfiguration.maximumSessionExpiryInHours = 9),
    /maximumSessionExpiryInHours"/
  ],
  [
    'sessions of no hour',
    (config) => (config.topicSpacesConfiguration.maximumSessionExpiryInHours = 0),
    /maximumSessionExpiryInHours"/
  ],
  [
    '101 sessions of a name',
    (config) => (config.topicSpacesConfiguration.maximumClientSessionsPerAuthenticationName = 101),
    /maximumClientSessionsPerAuthenticationName"/
  ],
  [
    '21 enrichments',
    (config) =>
      config.topicSpacesConfiguration.routingEnrichments.static.push({ key: 'more', value: '' }),
    /routingEnrichments: .*20/
  ],
  [
    'an enrichment of 129 characters',
    (config) =>
      (config.topicSpacesConfiguration.routingEnrichments.static[0]!.value = letters(129)),
    /routingEnrichments\.static\.0\.value"/
  ],
  [
    'an enrichment by a name of 21 characters',
    (config) => (config.topicSpacesConfiguration.routingEnrichments.static[0]!.key = letters(21)),
    /routingEnrichments: the key x+ is not of 1 to 20/
  ],
  ['11 topic spaces', (config) => longer(config.topicSpaces), /topicSpaces"/],
  ['11 templates', (config) => longer(config.topicSpaces[0]!.topicTemplates), /topicTemplates"/],
  ['11 client groups', (config) => longer(config.clientGroups), /clientGroups"/],
  [
    'a group name of 2 characters',
    (config) => (config.clientGroups[1]!.name = 'ab'),
    /clientGroups\.1\.name"/
  ],
  ['101 permission bindings', (config) => longer(config.permissionBindings), /permissionBindings"/],
  [
    '11 CA certificates',
    (config) => Object.assign(config, { caCertificates: many(11, () => ({})) }),
    /caCertificates/
  ],
  [
    'a client name of 129 characters',
    (config) => (config.clients[0]!.name = letters(129)),
    /clients\.0\.name"/
  ],
  [
    'an authentication name of 129 characters',
    (config) => (config.clients[0]!.authenticationName = letters(129)),
    /clients\.0\.authenticationName"/
  ],
  [
    'three thumbprints',
    (config) => longer(config.clients[1]!.clientCertificateAuthentication!.allowedThumbprints),
    /allowedThumbprints"/
  ],
  [
    'a retention of 8 days',
    (config) => (config.topics[0]!.eventRetentionInDays = 8),
    /eventRetentionInDays"/
  ],
  [
    'a retention of no day',
    (config) => (config.topics[0]!.eventRetentionInDays = 0),
    /eventRetentionInDays"/
  ],
  [
    '501 subscriptions of a topic',
    (config) => longer(config.topics[0]!.eventSubscriptions),
    /eventSubscriptions"/
  ],
  [
    '101 topics with one throughput unit',
    (config) => {
      config.sku.capacity = 1
      config.topics.push(...(many(99, (index) => ({ name: `t${index + 100}` })) as never[]))
    },
    /: topics: has 101, but 1 throughput units hold at most 100$/
  ],
  [
    '10,001 clients with one throughput unit',
    (config) => {
      config.sku.capacity = 1
      config.clients.push(...(many(9_999, (index) => ({ name: `c${index}` })) as never[]))
    },
    /: clients: has 10001, but 1 throughput units hold at most 10000$/
  ],
  ['a lock of 59 s', queue({ receiveLockDurationInSeconds: 59 }), /receiveLockDurationInSeconds"/],
  [
    'a lock of 301 s',
    queue({ receiveLockDurationInSeconds: 301 }),
    /receiveLockDurationInSeconds"/
  ],
  ['no delivery', queue({ maxDeliveryCount: 0 }), /queue\.maxDeliveryCount"/],
  ['11 deliveries', queue({ maxDeliveryCount: 11 }), /queue\.maxDeliveryCount"/],
  [
    'a time to live of 59 s',
    queue({ eventTimeToLive: 'PT59S' }),
    /eventTimeToLive PT59S is not between PT1M and/
  ],
  [
    'a time to live beyond the retention',
    queue({ eventTimeToLive: 'P7DT1S' }),
    /eventTimeToLive P7DT1S is not between PT1M and/
  ],
  ['batches of no event', pushing({ maxEventsPerBatch: 0 }), /maxEventsPerBatch"/],
  ['batches of 5,001 events', pushing({ maxEventsPerBatch: 5_001 }), /maxEventsPerBatch"/],
  [
    'batches of no kilobyte',
    pushing({ preferredBatchSizeInKilobytes: 0 }),
    /preferredBatchSizeInKilobytes"/
  ],
  [
    'batches of 1,025 KB',
    pushing({ preferredBatchSizeInKilobytes: 1_025 }),
    /preferredBatchSizeInKilobytes"/
  ],
  [
    'eleven delivery attributes',
    pushing({
      deliveryAttributeMappings: many(11, (index) => ({ ...ATTRIBUTE, name: `X${index}` }))
    }),
    /deliveryAttributeMappings"/
  ],
  ['a delivery attribute of 4,097 bytes', pushing(value(letters(4_097))), /properties\.value"/],
  [
    'a delivery attribute of 4,097 bytes in 4,096 characters',
    pushing(value(`${letters(4_095)}é`)),
    /deliveryAttributeMappings\/0\/properties\/value must be a text that fits a header/
  ],
  ['no push', pushing({}, { maxDeliveryCount: 0 }), /push\.maxDeliveryCount"/],
  ['11 pushes', pushing({}, { maxDeliveryCount: 11 }), /push\.maxDeliveryCount"/],
  [
    'a time to live of a push of 59 s',
    pushing({}, { eventTimeToLive: 'PT59S' }),
    /eventTimeToLive PT59S is not between PT1M and/
  ]
]
for (const [what, change, sentence] of PAST) {
  ranges(`are closed: ${what} is refused at start`, async () => {
    const config = atLimits()
    change(config)
    const started = startFogbank({ only: [ID], log: QUIET, config: { [ID]: config } })
    const message = await started.then(
      async (fogbank) => {
        await fogbank.close()
        return 'it started'
      },
      (error: Error) => error.message
    )
    assert.match(message, sentence)
  })
}

ranges.run()
