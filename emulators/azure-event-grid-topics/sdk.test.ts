// The vendor's own SDK for JavaScript, over sockets: three schemas, three credentials, two schemes.
import { AzureKeyCredential, AzureSASCredential } from '@azure/core-auth'
import type { KeyCredential, SASCredential, TokenCredential } from '@azure/core-auth'
import {
  EventGridPublisherClient,
  generateSharedAccessSignature,
  type InputSchema
} from '@azure/eventgrid'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { withFogbank, type World } from '@fogbank/contract'
import { failureOf, mintToken } from '@fogbank/contract/testing'

const ID = 'azure-event-grid-topics'

const CONFIG = {
  topics: [
    { name: 'orders' },
    { name: 'cloud', inputSchema: 'CloudEventSchemaV1_0' },
    {
      name: 'custom',
      inputSchema: 'CustomEventSchema',
      inputSchemaMapping: { subject: { sourceField: 'sub' }, eventType: { defaultValue: 'Any' } }
    }
  ],
  partnerNamespaces: [{ name: 'partner' }]
}

type Credential = KeyCredential | SASCredential | TokenCredential

const KEY = new AzureKeyCredential(DEVELOPMENT_KEYS.topicKey2)

/** What each schema's `send` takes, and the topic for it. */
const SCHEMAS: Record<InputSchema, { topic: string; event: any }> = {
  EventGrid: {
    topic: 'orders',
    event: {
      subject: 'orders/1',
      eventType: 'Shop.OrderPlaced',
      dataVersion: '1.0',
      data: { total: 7 }
    }
  },
  CloudEvent: {
    topic: 'cloud',
    event: { source: '/shop', type: 'Shop.OrderPlaced', data: { total: 7 }, subject: 'orders/1' }
  },
  Custom: { topic: 'custom', event: { sub: 'orders/1', total: 7 } }
}

async function withTopics(
  run: (world: World, url: (scheme: string, topic: string) => string) => Promise<void>,
  settings: object = CONFIG
): Promise<void> {
  await withFogbank({ only: [ID], config: { [ID]: settings } }, (world) => {
    const endpoints = world.fogbank.endpoints[ID]!
    return run(world, (scheme, topic) => `${String(endpoints[scheme])}/${topic}/api/events`)
  })
}

async function toClient<Schema extends InputSchema>(
  world: World,
  url: string,
  schema: Schema,
  credential: Credential
): Promise<EventGridPublisherClient<Schema>> {
  return new EventGridPublisherClient(url, schema, credential, {
    allowInsecureConnection: url.startsWith('http:'),
    tlsOptions: { ca: await world.fogbank.ca() }
  })
}

/** A credential that gets its tokens from the local authority. */
function toTokenCredential(world: World, request: object = {}): TokenCredential {
  return {
    async getToken(scopes) {
      assert.equal([scopes].flat(), ['https://eventgrid.azure.net/.default'])
      const token = await mintToken(world.fogbank, request)
      return { token, expiresOnTimestamp: Date.now() + 3_600_000 }
    }
  }
}

const countOk = ({ lines }: World) =>
  lines.filter((line) => line === `${ID} PublishEvents 200 ok`).length

const sdk = suite('azure-event-grid-topics SDK')

for (const scheme of ['http', 'https']) {
  for (const [schema, { topic, event }] of Object.entries(SCHEMAS)) {
    sdk(`sends ${schema} events over ${scheme} with key, SAS and token`, () =>
      withTopics(async (world, url) => {
        const endpoint = url(scheme, topic)
        const expiry = new Date(Date.now() + 60_000)
        const sas = await generateSharedAccessSignature(endpoint, KEY, expiry)
        // The SDK itself sends no token over plain http.
        const token = scheme === 'https' ? [toTokenCredential(world)] : []
        const credentials: Credential[] = [KEY, new AzureSASCredential(sas), ...token]
        for (const credential of credentials) {
          const client = await toClient(world, endpoint, schema as InputSchema, credential)
          await client.send([event, event])
        }
        assert.is(countOk(world), credentials.length)
      })
    )
  }
}

sdk('sends to a channel of a partner namespace', () =>
  withTopics(async (world, url) => {
    const client = await toClient(world, url('http', 'partner'), 'CloudEvent', KEY)
    await client.send([SCHEMAS.CloudEvent.event], { channelName: 'orders-channel' })
    assert.is(countOk(world), 1)
  })
)

sdk('maps a 401 to an error with code and message, and does not repeat the call', () =>
  withTopics(async (world, url) => {
    const credential = new AzureKeyCredential('bad credential')
    const client = await toClient(world, url('http', 'orders'), 'EventGrid', credential)
    const error = await failureOf(client.send([SCHEMAS.EventGrid.event]))
    assert.equal([error.name, error.statusCode, error.code], ['RestError', 401, 'Unauthorized'])
    assert.match(
      error.message,
      /^The request authorization key is not authorized for 127\.0\.0\.1\. This is due to the reason: Invalid length for a Base-64 char array or string\. Report '[0-9a-f-]{36}:0:/
    )
    assert.is(JSON.parse(error.response.bodyAsText).error.details[0].code, 'Unauthorized')
    assert.is(world.lines.filter((line) => line.includes('KeyLengthInvalid')).length, 1)
  })
)

sdk('maps a 413 to an error with code and message, though it has no content type', () =>
  withTopics(async (world, url) => {
    const client = await toClient(world, url('http', 'orders'), 'EventGrid', KEY)
    const event = { ...SCHEMAS.EventGrid.event, data: { text: 'x'.repeat(1_048_576) } }
    const error = await failureOf(client.send([event]))
    assert.equal(
      [error.name, error.statusCode, error.code, error.message],
      ['RestError', 413, 'RequestEntityTooLarge', 'The maximum size (1048576) has been exceeded.']
    )
    assert.is(world.lines.filter((line) => line.includes('BodyTooLarge')).length, 1)
  })
)

sdk('maps a 400 to its code, and a 403 of a principal without the role', () =>
  withTopics(async (world, url) => {
    const wrong = await toClient(world, url('http', 'orders'), 'Custom', KEY)
    const unknown = await failureOf(wrong.send([{ subject: 's', colour: 'red' }]))
    assert.equal([unknown.statusCode, unknown.code], [400, 'BadRequest'])
    assert.match(unknown.message, "Received unexpected property 'colour' in JSON")
    const stranger = toTokenCredential(world, { clientId: 'somebody' })
    const client = await toClient(world, url('https', 'orders'), 'EventGrid', stranger)
    const error = await failureOf(client.send([SCHEMAS.EventGrid.event]))
    assert.equal([error.statusCode, error.code], [403, 'Forbidden'])
  })
)

sdk('a signature of another key is refused, and so is one that has expired', () =>
  withTopics(async (world, url) => {
    const endpoint = url('http', 'orders')
    const other = new AzureKeyCredential(Buffer.alloc(32).toString('base64'))
    const soon = new Date(Date.now() + 60_000)
    const past = new Date(Date.now() - 60_000)
    for (const [key, expiry, reason] of [
      [other, soon, 'The signature of the token is invalid'],
      [KEY, past, 'The token has expired']
    ] as const) {
      const sas = await generateSharedAccessSignature(endpoint, key, expiry)
      const client = await toClient(world, endpoint, 'EventGrid', new AzureSASCredential(sas))
      const error = await failureOf(client.send([SCHEMAS.EventGrid.event]))
      assert.is(error.statusCode, 401)
      assert.match(error.message, reason)
    }
  })
)

sdk.run()
