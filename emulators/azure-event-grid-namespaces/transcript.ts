import { createHmac } from 'node:crypto'
import type { TranscriptAdapter } from '@fogbank/contract'
import { mintToken } from '@fogbank/contract/testing'
import { DEVELOPMENT_KEYS, WELL_KNOWN_PRINCIPAL, type TokenRequest } from '@fogbank/authority'
import { issue } from './testing-certificates.ts'

type Fogbank = Parameters<NonNullable<TranscriptAdapter['mqtt']>>[1]

const PUBLISHER = 'EventGrid TopicSpaces Publisher'
const KEY = DEVELOPMENT_KEYS.namespaceKey
const SUBSCRIBER = 'EventGrid TopicSpaces Subscriber'

/** Whose token a transcript asks for by name. */
const TOKENS: Record<string, TokenRequest> = {
  principal: {},
  'no-role': { clientId: '11111111-2222-4333-8444-555555555555' },
  publisher: { roles: [PUBLISHER] },
  subscriber: { roles: [SUBSCRIBER] },
  sender: { roles: ['EventGrid Data Sender'] },
  receiver: { roles: ['EventGrid Data Receiver'] },
  expired: { expiresInSeconds: -1 },
  'other-audience': { audience: 'https://management.azure.com' },
  'audience-with-slash': { audience: 'https://eventgrid.azure.net/' },
  'audience-of-host': { audience: 'https://labns.westeurope-1.ts.eventgrid.azure.net' },
  forged: {}
}

/** Clients that come with a certificate, by the name a transcript uses. */
const CERTIFICATES: Record<string, { commonName: string; username?: string }> = {
  dev1: { commonName: 'dev1' },
  dev2: { commonName: 'dev2' },
  stranger: { commonName: 'stranger' },
  'dev2-as-dev1': { commonName: 'dev2', username: 'dev1' }
}

/** Keys and signatures for the topics of the events host, by the name a transcript uses. */
const KEYS: Record<string, (host: string) => Record<string, string>> = {
  key: () => ({ authorization: `SharedAccessKey ${KEY}` }),
  'aeg-sas-key': () => ({ 'aeg-sas-key': KEY }),
  'wrong-key': () => ({
    authorization: `SharedAccessKey ${Buffer.alloc(32, 'x').toString('base64')}`
  }),
  'sas-of-namespace': (host) => ({
    authorization: `SharedAccessSignature ${sign(`https://${host}`)}`
  }),
  'sas-of-topic': (host) => ({ 'aeg-sas-token': sign(`https://${host}/topics/ingest`) }),
  'sas-of-subscription': (host) => ({
    authorization: `SharedAccessSignature ${sign(`https://${host}/topics/ingest/eventSubscriptions/worker`)}`
  }),
  'sas-of-another-topic': (host) => ({ 'aeg-sas-token': sign(`https://${host}/topics/other`) }),
  'sas-in-american': (host) => ({
    'aeg-sas-token': sign(`https://${host}/topics/ingest`, '12/31/2099 11:59:59 PM')
  }),
  'sas-expired': (host) => ({ 'aeg-sas-token': sign(`https://${host}`, '2020-01-01 00:00:00') }),
  'sas-forged': (host) => ({ 'aeg-sas-token': sign(`https://${host}`).replace(/%3D$/, 'AA') })
}

/** A signature as the vendor's samples build it; they write times without a zone. */
function sign(resource: string, expiry = '2099-12-31 23:59:59'): string {
  const text = `r=${encodeURIComponent(resource)}&e=${encodeURIComponent(expiry)}`
  const hmac = createHmac('sha256', Buffer.from(KEY, 'base64')).update(text).digest('base64')
  return `${text}&s=${encodeURIComponent(hmac)}`
}

/** Topics with what the namespace's events go through. */
const topics = [
  { name: 'ingest', eventSubscriptions: [{ name: 'worker' }] },
  { name: 'other', eventSubscriptions: [{ name: 'worker' }] }
]

/** The topic `ingest` with a subscription `worker` of these settings. */
const withQueue = (queue: object, more: object = {}) => ({
  topics: [
    {
      name: 'ingest',
      eventSubscriptions: [{ name: 'worker', deliveryConfiguration: { queue }, ...more }]
    }
  ],
  allowShortWait: true
})

const events = {
  events: { topics, allowShortWait: true },
  patient: { topics },
  twice: withQueue({ maxDeliveryCount: 2 }),
  brief: withQueue({ eventTimeToLive: 'PT1M', receiveLockDurationInSeconds: 60 }),
  'long-locks': withQueue({ receiveLockDurationInSeconds: 300 }),
  buried: withQueue({
    deadLetterDestinationWithResourceIdentity: {
      deadLetterDestination: {
        endpointType: 'StorageBlob',
        properties: { blobContainerName: 'lost' }
      }
    }
  }),
  filtered: {
    topics: [
      {
        name: 'lonely',
        eventSubscriptions: [
          { name: 'picky', filtersConfiguration: { includedEventTypes: ['lab.alarm'] } }
        ]
      }
    ],
    allowShortWait: true
  },
  push: {
    topics: [
      {
        name: 'ingest',
        eventSubscriptions: [
          {
            name: 'pusher',
            deliveryConfiguration: {
              deliveryMode: 'Push',
              push: {
                destination: {
                  endpointType: 'NamespaceTopic',
                  properties: { resourceId: '/topics/other' }
                }
              }
            }
          }
        ]
      },
      { name: 'other' }
    ]
  },
  sender: {
    topics,
    roleAssignments: [
      { principalId: WELL_KNOWN_PRINCIPAL.oid, role: 'EventGrid Data Sender', topic: 'ingest' }
    ]
  },
  two: { topics: [], namespaces: [{ name: 'labns', topics }] }
}

const lab = {
  topicSpacesConfiguration: {
    hostname: 'labns.westeurope-1.ts.eventgrid.azure.net',
    maximumClientSessionsPerAuthenticationName: 2,
    clientAuthentication: { alternativeAuthenticationNameSources: ['ClientCertificateSubject'] }
  },
  topicSpaces: [
    { name: 'telemetry', topicTemplates: ['lab/${client.authenticationName}/telemetry'] },
    {
      name: 'commands',
      topicTemplates: ['lab/${client.authenticationName}/cmd/#', 'lab/+/cmd/#']
    }
  ],
  clientGroups: [{ name: 'meters', query: "attributes.kind = 'meter'" }],
  clients: [
    {
      name: 'dev1',
      attributes: { kind: 'meter' },
      clientCertificateAuthentication: { validationScheme: 'SubjectMatchesAuthenticationName' }
    },
    { name: 'dev2', state: 'Disabled' }
  ],
  permissionBindings: [
    { clientGroupName: 'meters', topicSpaceName: 'telemetry', permission: 'Publisher' },
    { clientGroupName: 'meters', topicSpaceName: 'commands', permission: 'Subscriber' }
  ],
  roleAssignments: [
    {
      principalId: WELL_KNOWN_PRINCIPAL.oid,
      role: PUBLISHER,
      topicSpace: 'commands'
    },
    {
      principalId: WELL_KNOWN_PRINCIPAL.oid,
      role: SUBSCRIBER,
      topicSpace: 'commands'
    }
  ]
}

/** How the transcripts under fixtures/azure-event-grid-namespaces prove who they are. */
export const adapter: TranscriptAdapter = {
  settings: {
    lab,
    ...events,
    'no-sources': { clients: [{ name: 'dev1' }] },
    routed: {
      topics,
      allowShortWait: true,
      topicSpacesConfiguration: { routeTopicResourceId: '/topics/ingest' }
    },
    raw: { rawUserProperties: true },
    fenced: { ...events.events, inboundIpRules: [{ ipMask: '10.1.2.0/24', action: 'Allow' }] },
    'nothing-retained': { retain: false }
  },
  async credential(name, { host }, fogbank) {
    const key = KEYS[name]
    if (key) return { headers: key(host) }
    return { headers: { authorization: `Bearer ${await mint(name, fogbank)}` } }
  },
  async mqtt(name, fogbank) {
    if (name === 'expired-certificate') {
      const notAfter = new Date('2025-12-31T00:00:00Z')
      const { cert, key } = await issue('CN=dev1', { notAfter })
      return { cert, key, ca: await fogbank.ca(), username: 'dev1' }
    }
    const certificate = CERTIFICATES[name]
    if (certificate) {
      const { commonName, username } = certificate
      const pair = await fogbank.issueClient(commonName)
      return { ...pair, ca: await fogbank.ca(), ...(username ? { username } : {}) }
    }
    const authenticationData =
      name === 'oversized' ? Buffer.alloc(8193, 'x') : Buffer.from(await mint(name, fogbank))
    return { properties: { authenticationMethod: 'OAUTH2-JWT', authenticationData } }
  }
}

/** A token as a test suite gets one: from the control port. */
async function mint(name: string, fogbank: Fogbank): Promise<string> {
  const request = TOKENS[name]
  if (!request) throw new Error(`azure-event-grid-namespaces has no credential ${name}`)
  const token = await mintToken(fogbank, request)
  // Another signature of the same length.
  return name === 'forged' ? token.slice(0, -8) + 'AAAAAAAA' : token
}
