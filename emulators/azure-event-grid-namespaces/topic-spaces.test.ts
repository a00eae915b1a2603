// Who may publish and subscribe where, asked through every door of one running suite.
import { startFogbank } from 'fogbank'
import mqtt, { type MqttClient } from 'mqtt'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'

const spaces = suite('azure-event-grid-namespaces topic spaces')

const ID = 'azure-event-grid-namespaces'
const NAME = 'Machine1'
const ATTRIBUTES = {
  line: 'l7',
  floor: 3,
  areas: ['north', 'south'],
  path: 'a/b',
  all: '+',
  none: '',
  group: 'meters'
}
const SELF = '${client.authenticationName}'
const attribute = (key: string) => `\${client.attributes.${key}}`

const OK = 0
const NOT_AUTHORIZED = 0x87
const NAME_INVALID = 0x90
const FILTER_INVALID = 0x8f
const SHARED_NOT_SUPPORTED = 0x9e

/** Templates of the one topic space, what is asked, and what a registered client and an Entra principal of the same name get. */
type Row = [templates: string[], asked: string, client: number, entra: number]

const both = (templates: string[], asked: string, code: number): Row => [
  templates,
  asked,
  code,
  code
]
/** A registered client's attributes are its own; an Entra principal has none. */
const byAttribute = (templates: string[], asked: string, code: number): Row => [
  templates,
  asked,
  code,
  NOT_AUTHORIZED
]

const PUBLISHES: Row[] = [
  both(['#'], 'a', OK),
  both(['#'], 'a/b/c', OK),
  both(['#'], '/', OK),
  both(['a/b'], 'a/b', OK),
  both(['a/b'], 'a/B', NOT_AUTHORIZED),
  both(['a/b'], 'a/b/', NOT_AUTHORIZED),
  both(['a/b'], '/a/b', NOT_AUTHORIZED),
  both(['a/b'], 'a', NOT_AUTHORIZED),
  both(['a/+'], 'a/b', OK),
  both(['a/+'], 'a/', OK),
  both(['a/+'], 'a', NOT_AUTHORIZED),
  both(['a/+'], 'a/b/c', NOT_AUTHORIZED),
  both(['a/#'], 'a', OK),
  both(['a/#'], 'a/b/c', OK),
  both(['a/#'], 'ab', NOT_AUTHORIZED),
  both(['+/b/#'], 'x/b/c/d', OK),
  both(['+/b/#'], 'x/c', NOT_AUTHORIZED),
  both(['a/b', 'c/d'], 'c/d', OK),
  both(['a/b', 'c/d'], 'a/d', NOT_AUTHORIZED),
  both([`lab/${SELF}/telemetry`], 'lab/Machine1/telemetry', OK),
  both([`lab/${SELF}/telemetry`], 'lab/machine1/telemetry', NOT_AUTHORIZED),
  both([`lab/${SELF}/telemetry`], 'lab/Machine2/telemetry', NOT_AUTHORIZED),
  both([`lab/${SELF}/telemetry`], `lab/${SELF}/telemetry`, NOT_AUTHORIZED),
  both([`lab/dev-${SELF}-out/#`], 'lab/dev-Machine1-out/x', OK),
  both(['lab/${client.authenticationName|.factory1}'], 'lab/Machine1.factory1', OK),
  both(['lab/${client.authenticationName|.factory1}'], 'lab/Machine1', NOT_AUTHORIZED),
  byAttribute([`lab/${attribute('line')}/#`], 'lab/l7/x', OK),
  byAttribute([`lab/${attribute('line')}/#`], 'lab/l8/x', NOT_AUTHORIZED),
  byAttribute([`${attribute('floor')}/+`], '3/x', OK),
  byAttribute([`${attribute('line')}${attribute('floor')}`], 'l73', OK),
  byAttribute([`${attribute('areas')}/x`], 'north/x', OK),
  byAttribute([`${attribute('areas')}/x`], 'south/x', OK),
  byAttribute([`${attribute('areas')}/x`], 'west/x', NOT_AUTHORIZED),
  byAttribute([`x/${attribute('missing')}`], 'x/', NOT_AUTHORIZED),
  byAttribute([`x/${attribute('missing')}`], 'x/y', NOT_AUTHORIZED),
  byAttribute([`x/${attribute('path')}`], 'x/a/b', NOT_AUTHORIZED),
  byAttribute([`x/${attribute('all')}`], 'x/y', NOT_AUTHORIZED),
  byAttribute([`x/${attribute('none')}`], 'x/', NOT_AUTHORIZED),
  byAttribute([`x/${attribute('missing')}`, `y/${attribute('line')}`], 'y/l7', OK),
  both(['#'], '$aws/x', NAME_INVALID),
  both(['#'], 'a'.repeat(256), OK),
  both(['#'], 'a'.repeat(257), NAME_INVALID),
  both(['#'], Array(15).fill('a').join('/'), OK),
  both(['#'], Array(16).fill('a').join('/'), NAME_INVALID)
]

const SUBSCRIBES: Row[] = [
  both(['#'], '#', OK),
  both(['#'], '+/a/#', OK),
  both(['a/#'], 'a/#', OK),
  both(['a/#'], 'a', OK),
  both(['a/#'], 'a/+/b', OK),
  both(['a/#'], '#', NOT_AUTHORIZED),
  both(['a/#'], '+/#', NOT_AUTHORIZED),
  both(['a/#'], '+', NOT_AUTHORIZED),
  both(['a/+'], 'a/+', OK),
  both(['a/+'], 'a/b', OK),
  both(['a/+'], 'a/#', NOT_AUTHORIZED),
  both(['a/b'], 'a/+', NOT_AUTHORIZED),
  both(['a/b'], 'a/b', OK),
  both(['a/b', 'a/c'], 'a/+', NOT_AUTHORIZED),
  both(['a/+/#'], 'a/#', NOT_AUTHORIZED),
  both(['a/+/#'], 'a/b/#', OK),
  both([`lab/${SELF}/cmd/#`], 'lab/Machine1/cmd/+', OK),
  both([`lab/${SELF}/cmd/#`], 'lab/+/cmd/+', NOT_AUTHORIZED),
  both([`lab/${SELF}/cmd/#`], 'lab/machine1/cmd/+', NOT_AUTHORIZED),
  byAttribute([`${attribute('areas')}/x`], 'south/x', OK),
  byAttribute([`${attribute('areas')}/x`], '+/x', NOT_AUTHORIZED),
  byAttribute([`x/${attribute('all')}`], 'x/+', NOT_AUTHORIZED),
  both(['#'], '$SYS/#', FILTER_INVALID),
  both(['#'], '$share/g/a', SHARED_NOT_SUPPORTED),
  both(['#'], 'a'.repeat(257), FILTER_INVALID),
  both(['#'], Array(16).fill('+').join('/'), FILTER_INVALID)
]

const SETTINGS = {
  topicSpacesConfiguration: { maximumClientSessionsPerAuthenticationName: 2 },
  clients: [{ name: 'machine1', authenticationName: NAME, attributes: ATTRIBUTES }],
  clientGroups: [{ name: 'meters', query: "attributes.group = 'meters'" }],
  topicSpaces: [{ name: 'table', topicTemplates: ['#'] }],
  permissionBindings: ['Publisher', 'Subscriber'].map((permission) => ({
    clientGroupName: 'meters',
    topicSpaceName: 'table',
    permission
  })),
  roleAssignments: ['Publisher', 'Subscriber'].map((role) => ({
    principalId: NAME,
    role: `EventGrid TopicSpaces ${role}`,
    topicSpace: 'table'
  }))
}

interface Doors {
  allow(templates: string[]): Promise<void>
  client: MqttClient
  entra: MqttClient
  /** The status of an HTTP Publish by the Entra principal. */
  post(topic: string): Promise<number>
}

async function withDoors(run: (doors: Doors) => Promise<void>): Promise<void> {
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const fogbank = await startFogbank({ only: [ID], log, config: { [ID]: SETTINGS } })
  const { control, [ID]: own } = fogbank.endpoints
  const clients: MqttClient[] = []
  const ask = async (path: string, method: string, body: object) => {
    const reply = await fetch(`${control.http}${path}`, { method, body: JSON.stringify(body) })
    assert.is(reply.status, 200, await reply.clone().text())
    return (await reply.json()) as { access_token: string }
  }
  const connect = async (options: object) => {
    const common = { protocolVersion: 5, reconnectPeriod: 0, ca: await fogbank.ca() } as const
    clients.push(await mqtt.connectAsync(own.mqtts, { ...common, ...options }))
    return clients.at(-1)!
  }
  try {
    const { access_token: token } = await ask('/authority/tokens', 'POST', { oid: NAME })
    const certificate = await fogbank.issueClient('machine1')
    await run({
      async allow(topicTemplates) {
        const path = `/${ID}/namespaces/default/topicSpaces/table`
        await ask(path, 'PUT', { topicTemplates })
      },
      client: await connect({ clientId: 'c', username: 'machine1', ...certificate }),
      entra: await connect({
        clientId: 'e',
        properties: {
          authenticationMethod: 'OAUTH2-JWT',
          authenticationData: Buffer.from(token)
        }
      }),
      async post(topic) {
        const query = `topic=${encodeURIComponent(topic)}&api-version=2025-08-01-preview`
        const reply = await fetch(`${own.http}/mqtt/messages?${query}`, {
          method: 'POST',
          headers: { authorization: `Bearer ${token}` },
          body: 'go'
        })
        await reply.arrayBuffer()
        return reply.status
      }
    })
  } finally {
    for (const client of clients) client.end(true)
    await fogbank.close()
  }
}

async function publish(client: MqttClient, topic: string): Promise<number> {
  try {
    const puback = await client.publishAsync(topic, 'go', { qos: 1 })
    return (puback as { reasonCode?: number }).reasonCode ?? OK
  } catch (error) {
    return (error as { code: number }).code
  }
}

async function subscribe(client: MqttClient, filter: string): Promise<number> {
  try {
    await client.subscribeAsync(filter, { qos: 1 })
    await client.unsubscribeAsync(filter)
    return OK
  } catch (error) {
    return (error as { packet: { granted: number[] } }).packet.granted[0]!
  }
}

spaces('decide each publish alike at the doors of MQTT and HTTP', () =>
  withDoors(async ({ allow, client, entra, post }) => {
    const found: unknown[] = []
    for (const [templates, topic] of PUBLISHES) {
      await allow(templates)
      const codes = [await publish(client, topic), await publish(entra, topic)]
      found.push([templates, topic, ...codes, await post(topic)])
    }
    const expected = PUBLISHES.map((row) => [...row, row[3] === OK ? 204 : 403])
    assert.equal(found, expected)
  })
)

spaces('decide each subscription by whether a template covers the whole filter', () =>
  withDoors(async ({ allow, client, entra }) => {
    const found: unknown[] = []
    for (const [templates, filter] of SUBSCRIBES) {
      await allow(templates)
      found.push([
        templates,
        filter,
        await subscribe(client, filter),
        await subscribe(entra, filter)
      ])
    }
    assert.equal(found, SUBSCRIBES)
  })
)

spaces.run()
