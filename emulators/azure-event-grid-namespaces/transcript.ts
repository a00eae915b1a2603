import type { TranscriptAdapter } from '@fogbank/contract'
import { WELL_KNOWN_PRINCIPAL, type TokenRequest } from '@fogbank/authority'

type Fogbank = Parameters<NonNullable<TranscriptAdapter['mqtt']>>[1]

const PUBLISHER = 'EventGrid TopicSpaces Publisher'
const SUBSCRIBER = 'EventGrid TopicSpaces Subscriber'

/** Whose token a transcript asks for by name. */
const TOKENS: Record<string, TokenRequest> = {
  principal: {},
  'no-role': { clientId: '11111111-2222-4333-8444-555555555555' },
  publisher: { roles: [PUBLISHER] },
  subscriber: { roles: [SUBSCRIBER] },
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

const lab = {
  topicSpacesConfiguration: { hostname: 'labns.westeurope-1.ts.eventgrid.azure.net' },
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
    routed: { topicSpacesConfiguration: { routeTopicResourceId: '/topics/ingest' } },
    raw: { rawUserProperties: true }
  },
  credential: async (name, _request, fogbank) => ({
    headers: { authorization: `Bearer ${await mint(name, fogbank)}` }
  }),
  async mqtt(name, fogbank) {
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
  const reply = await fetch(`${fogbank.endpoints.control!.http}/authority/tokens`, {
    method: 'POST',
    headers: { 'content-type': 'application/json' },
    body: JSON.stringify(request)
  })
  const { access_token: token } = (await reply.json()) as { access_token: string }
  // Another signature of the same length.
  return name === 'forged' ? token.slice(0, -8) + 'AAAAAAAA' : token
}
