// Policies as callers meet them: what is allowed and what is refused at each door.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withAwsIot, type AwsWorld } from '../testing.ts'
import type { PolicyDocument, PolicyStatement } from './document.ts'

/** What somebody tries, in words: `publish a/b`. The client id over MQTT is `lamp`. */
type Attempt =
  | `${'publish' | 'retain' | 'POST' | 'POST retained' | 'GET retained'} ${string}`
  | `${'subscribe' | 'connect'} ${string}`
  | 'GET retained messages'

const ARN = 'arn:aws:iot:*:123456789012:'
const CONNECT: PolicyStatement = { Effect: 'Allow', Action: 'iot:Connect', Resource: '*' }

const allow = (Action: string | string[], Resource: string | string[]): PolicyStatement => ({
  Effect: 'Allow',
  Action,
  Resource
})
const deny = (Action: string, Resource: string): PolicyStatement => ({
  Effect: 'Deny',
  Action,
  Resource
})
const when = (
  statement: PolicyStatement,
  Condition: NonNullable<PolicyStatement['Condition']>
): PolicyStatement => ({ ...statement, Condition })

const EVERYTHING = allow('*', '*')
const PUBLISH_ANY = allow('iot:Publish', '*')

/** Statements, attempt, outcome; a `2008` in front is the version in which nothing is a variable. */
const ROWS: [
  statements: PolicyStatement[],
  attempt: Attempt,
  allowed: boolean,
  version?: string
][] = [
  // Whose Allow, whose Deny.
  [[EVERYTHING], 'POST a', true],
  [[EVERYTHING], 'publish a', true],
  [[EVERYTHING], 'subscribe a/#', true],
  [[allow('iot:Subscribe', '*')], 'POST a', false],
  [[PUBLISH_ANY, deny('iot:Publish', `${ARN}topic/secret`)], 'POST secret', false],
  [[PUBLISH_ANY, deny('iot:Publish', `${ARN}topic/secret`)], 'POST open', true],
  [[deny('iot:Publish', `${ARN}topic/secret`), PUBLISH_ANY], 'publish secret', false],
  [[PUBLISH_ANY, deny('iot:*', '*')], 'POST a', false],
  // Actions.
  [[allow('iot:*', '*')], 'POST a', true],
  [[allow('iot:Pub*', '*')], 'POST a', true],
  [[allow('IOT:publish', '*')], 'POST a', true],
  [[allow('iot:Publis?', '*')], 'publish a', true],
  [[allow('iotjobsdata:*', '*')], 'POST a', false],
  [[allow(['iot:Subscribe', 'iot:Publish'], '*')], 'POST a', true],
  // Resources.
  [[allow('iot:Publish', `${ARN}topic/a/*`)], 'POST a/b/c', true],
  [[allow('iot:Publish', `${ARN}topic/a/*`)], 'POST a', false],
  [[allow('iot:Publish', `${ARN}topic/a?`)], 'POST ab', true],
  [[allow('iot:Publish', `${ARN}topic/a?`)], 'POST a', false],
  [[allow('iot:Publish', `${ARN}topic/*/end`)], 'POST x/end/y/end', true],
  [[allow('iot:Publish', `${ARN}topic/*/end`)], 'POST x/end/y', false],
  [[allow('iot:Publish', `${ARN}topic/A`)], 'POST a', false],
  [[allow('iot:Publish', [`${ARN}topic/b`, `${ARN}topic/a`])], 'publish a', true],
  [[allow('iot:Publish', `${ARN}topicfilter/a`)], 'POST a', false],
  [[allow('iot:Publish', 'arn:aws:iot:*:999999999999:topic/a')], 'POST a', false],
  [[allow('iot:Publish', 'arn:aws:iot:eu-central-1:123456789012:topic/a')], 'POST a', true],
  [[allow('iot:Publish', 'arn:aws:iot:us-east-1:123456789012:topic/a')], 'POST a', false],
  [[allow('iot:Publish', 'arn:aws:iot:us-east-1:123456789012:topic/a')], 'publish a', true],
  // MQTT's own wildcards are letters here.
  [[allow('iot:Subscribe', `${ARN}topicfilter/a/+`)], 'subscribe a/+', true],
  [[allow('iot:Subscribe', `${ARN}topicfilter/a/+`)], 'subscribe a/b', false],
  [[allow('iot:Subscribe', `${ARN}topicfilter/a/*`)], 'subscribe a/#', true],
  [[allow('iot:Subscribe', `${ARN}topicfilter/a/*`)], 'subscribe #', false],
  [[allow('iot:Subscribe', `${ARN}topic/a`)], 'subscribe a', false],
  // Retained messages.
  [[PUBLISH_ANY], 'POST retained a', false],
  [[PUBLISH_ANY], 'retain a', false],
  [[allow(['iot:Publish', 'iot:RetainPublish'], `${ARN}topic/a`)], 'POST retained a', true],
  [[allow(['iot:Publish', 'iot:RetainPublish'], `${ARN}topic/a`)], 'retain a', true],
  [[allow('iot:RetainPublish', '*')], 'POST retained a', false],
  [[allow('iot:GetRetainedMessage', `${ARN}topic/a`)], 'GET retained a', true],
  [[allow('iot:GetRetainedMessage', `${ARN}topic/b`)], 'GET retained a', false],
  [[allow('iot:ListRetainedMessages', '*')], 'GET retained messages', true],
  [[allow('iot:ListRetainedMessages', `${ARN}*`)], 'GET retained messages', false],
  // Connections and variables.
  [[allow('iot:Connect', `${ARN}client/lamp`)], 'connect lamp', true],
  [[allow('iot:Connect', `${ARN}client/lamp`)], 'connect door', false],
  [[allow('iot:Connect', `${ARN}client/l*`)], 'connect lamp', true],
  [[allow('iot:Publish', `${ARN}topic/\${iot:ClientId}/t`)], 'publish lamp/t', true],
  [[allow('iot:Publish', `${ARN}topic/\${iot:ClientId}/t`)], 'publish door/t', false],
  [[allow('iot:Publish', `${ARN}topic/\${iot:ClientId}/t`)], 'POST lamp/t', false],
  [[PUBLISH_ANY, deny('iot:Publish', `${ARN}topic/\${iot:ClientId}`)], 'POST lamp', true],
  [[allow('iot:Subscribe', `${ARN}topicfilter/\${iot:ClientId}/*`)], 'subscribe lamp/#', true],
  [
    [allow('iot:Connect', `${ARN}client/\${iot:Connection.Thing.ThingName}`)],
    'connect lamp',
    false
  ],
  [[allow('iot:Connect', `${ARN}client/\${no:such}`)], 'connect lamp', false],
  [[allow('iot:Publish', `${ARN}topic/\${*}`)], 'POST a', false],
  [[allow('iot:Publish', `${ARN}topic/a\${?}`)], 'POST ab', false],
  [[allow('iot:Publish', `${ARN}topic/\${iot:ClientId}`)], 'publish lamp', false, '2008-10-17'],
  [[allow('iot:Publish', `${ARN}topic/lam?`)], 'publish lamp', true, '2008-10-17'],
  // Conditions.
  [[when(PUBLISH_ANY, { StringEquals: { 'iot:ClientId': 'lamp' } })], 'publish a', true],
  [[when(PUBLISH_ANY, { StringEquals: { 'iot:ClientId': ['x', 'lam?'] } })], 'publish a', false],
  [[when(PUBLISH_ANY, { StringLike: { 'iot:ClientId': 'lam?' } })], 'publish a', true],
  [[when(PUBLISH_ANY, { StringEquals: { 'iot:ClientId': 'lamp' } })], 'POST a', false],
  [[when(PUBLISH_ANY, { StringEqualsIfExists: { 'iot:ClientId': 'lamp' } })], 'POST a', true],
  [[when(PUBLISH_ANY, { StringNotEquals: { 'iot:ClientId': 'lamp' } })], 'publish a', false],
  [[when(PUBLISH_ANY, { StringNotLike: { 'iot:ClientId': 'door*' } })], 'publish a', true],
  [
    [when(PUBLISH_ANY, { Bool: { 'iot:Connection.Thing.IsAttached': 'true' } })],
    'publish a',
    false
  ],
  [
    [when(PUBLISH_ANY, { Bool: { 'iot:Connection.Thing.IsAttached': 'false' } })],
    'publish a',
    true
  ],
  [[when(PUBLISH_ANY, { IpAddress: { 'aws:SourceIp': '127.0.0.0/8' } })], 'POST a', true],
  [[when(PUBLISH_ANY, { IpAddress: { 'aws:SourceIp': '10.0.0.0/8' } })], 'POST a', false],
  [[when(PUBLISH_ANY, { NotIpAddress: { 'aws:SourceIp': '10.0.0.0/8' } })], 'POST a', true],
  [[when(PUBLISH_ANY, { IpAddress: { 'aws:SourceIp': 'no address' } })], 'POST a', false],
  [
    [when(CONNECT, { 'ForAllValues:StringEquals': { 'iot:ConnectAttributes': ['LastWill'] } })],
    'connect lamp',
    true
  ],
  [
    [when(CONNECT, { 'ForAnyValue:StringEquals': { 'iot:ConnectAttributes': ['LastWill'] } })],
    'connect lamp',
    false
  ]
]

const NOT_AUTHORIZED = 0x87

async function isDone(world: AwsWorld, attempt: Attempt): Promise<boolean> {
  if (attempt === 'GET retained messages') {
    return isAnswered(world, { method: 'GET', target: '/retainedMessage' }, 200)
  }
  const at = attempt.lastIndexOf(' ')
  const name = attempt.slice(at + 1)
  const encoded = name.replaceAll('/', '%2F')
  switch (attempt.slice(0, at)) {
    case 'POST':
      return isAnswered(world, { target: `/topics/${encoded}` }, 200)
    case 'POST retained':
      return isAnswered(world, { target: `/topics/${encoded}?retain=true`, body: '1' }, 200)
    case 'GET retained':
      return isAnswered(world, { method: 'GET', target: `/retainedMessage/${encoded}` }, 404)
  }
  const client = await world.client({ clientId: attempt.startsWith('connect') ? name : 'lamp' })
  const connack = await client.next()
  if (attempt.startsWith('connect')) return isAccepted(connack?.reasonCode)
  assert.is(connack?.reasonCode, 0)
  const { mqtt } = client
  if (attempt.startsWith('subscribe')) mqtt.subscribe(name, { qos: 1 }, () => {})
  else mqtt.publish(name, '1', { qos: 1, retain: attempt.startsWith('retain') }, () => {})
  const answer = await client.next()
  return isAccepted(answer?.granted?.[0] ?? answer?.reasonCode)
}

async function isAnswered(
  { signed }: AwsWorld,
  call: { method?: string; target: string; body?: string },
  done: number
): Promise<boolean> {
  const { status, text } = await signed(call)
  if (status === done) return true
  assert.is(status, 403)
  assert.is(JSON.parse(text).message, 'Forbidden')
  return false
}

function isAccepted(reasonCode: number): boolean {
  if (reasonCode === NOT_AUTHORIZED) return false
  assert.ok(reasonCode < 0x80, `reason code ${reasonCode}`)
  return true
}

function worldOf(policy: PolicyDocument) {
  return {
    settings: { accessKeys: [{ accessKeyId: 'test', secretAccessKey: 'test', policy }] }
  }
}

const policies = suite('aws-iot policies')

for (const [index, [statements, attempt, allowed, version = '2012-10-17']] of ROWS.entries()) {
  policies(`${index + 1}: ${attempt} is ${allowed ? 'allowed' : 'denied'}`, () => {
    const isConnect = attempt.startsWith('connect')
    const Statement = isConnect ? statements : [CONNECT, ...statements]
    return withAwsIot(worldOf({ Version: version, Statement }), async (world) =>
      assert.is(await isDone(world, attempt), allowed)
    )
  })
}

policies('iot:Receive is asked for each message', () => {
  const Statement = [
    CONNECT,
    allow(['iot:Subscribe', 'iot:Publish'], '*'),
    allow('iot:Receive', `${ARN}topic/open/*`)
  ]
  return withAwsIot(worldOf({ Version: '2012-10-17', Statement }), async ({ client, signed }) => {
    const { mqtt, next } = await client()
    assert.is((await next())?.cmd, 'connack')
    mqtt.subscribe('+/a', { qos: 1 })
    assert.is((await next())?.cmd, 'suback')
    assert.is((await signed({ target: '/topics/closed%2Fa', body: 'no' })).status, 200)
    assert.is((await signed({ target: '/topics/open%2Fa', body: 'yes' })).status, 200)
    const { topic, payload } = (await next())!
    assert.equal([topic, payload], ['open/a', 'yes'])
  })
})

policies('a will that may not be published keeps its client out', () => {
  const Statement = [CONNECT, allow('iot:Publish', `${ARN}topic/wills/*`)]
  return withAwsIot(worldOf({ Version: '2012-10-17', Statement }), async ({ client }) => {
    const will = (topic: string) => ({
      topic,
      payload: Buffer.from('x'),
      qos: 1 as const,
      retain: false
    })
    const refused = await client({ clientId: 'a', will: will('other') })
    assert.is((await refused.next())?.reasonCode, NOT_AUTHORIZED)
    const accepted = await client({ clientId: 'b', will: will('wills/b') })
    assert.is((await accepted.next())?.reasonCode, 0)
  })
})

for (const [what, options] of [
  ['CONNECT', { clientId: 'other' }],
  ['PUBLISH', {}],
  ['SUBSCRIBE', {}]
] as const) {
  policies(`an MQTT 3.1.1 client is put out for a ${what} it is denied`, () => {
    const Statement = [allow('iot:Connect', `${ARN}client/dev1`)]
    return withAwsIot(worldOf({ Version: '2012-10-17', Statement }), async ({ client }) => {
      const { mqtt, next } = await client({ protocolVersion: 4, ...options })
      const connack = await next()
      if (what === 'CONNECT') {
        assert.is(connack?.returnCode, 5)
        return
      }
      assert.is(connack?.returnCode, 0)
      if (what === 'PUBLISH') mqtt.publish('a', 'x', { qos: 1 }, () => {})
      else mqtt.subscribe('a', () => {})
      assert.is(await next(), undefined)
    })
  })
}

policies('a QoS 0 publish that is denied ends an MQTT 5 connection with 0x87', () =>
  withAwsIot(worldOf({ Statement: CONNECT }), async ({ client }) => {
    const { mqtt, next } = await client()
    assert.is((await next())?.reasonCode, 0)
    mqtt.publish('a', 'x')
    const { cmd, reasonCode } = (await next())!
    assert.equal([cmd, reasonCode], ['disconnect', NOT_AUTHORIZED])
  })
)

policies('a refused publish is shown to nobody and changes nothing', () =>
  withAwsIot(worldOf({ Statement: CONNECT }), async ({ signed, published, space }) => {
    assert.is((await signed({ target: '/topics/a?retain=true', body: 'x' })).status, 403)
    assert.equal(published, [])
    assert.is(await space.retained.get('a'), undefined)
  })
)

policies.run()
