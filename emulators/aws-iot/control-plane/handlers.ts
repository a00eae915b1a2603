import { compileSchema, type Reply } from '@fogbank/personality'
import { errors } from '../errors.ts'
import type { AwsCall } from '../handlers.ts'
import { limits } from '../limits.ts'
import { policyDocument } from '../policy/schema.ts'
import { createKeyPair } from './keys.ts'
import type { Certificate, Thing } from './registry.ts'

const NAME = {
  thing: /^[a-zA-Z0-9:_-]{1,128}$/,
  policy: /^[\w+=,.@-]{1,128}$/
}
const PAGE_TOKEN = 'thing:'
/** The subject of every certificate that the service makes. */
const COMMON_NAME = 'AWS IoT Certificate'

const isPolicy = compileSchema(policyDocument)

/** Every type of endpoint is the one that answers, by the name it was called. */
export function describeEndpoint(call: AwsCall): Reply {
  return json({ endpointAddress: call.header('host') })
}

export async function createThing(call: AwsCall): Promise<Reply> {
  const { registry, ids } = call.state
  const thingName = nameOf(call, 'thing')
  const { thingTypeName, billingGroupName, attributePayload } = bodyOf(call)
  if (thingTypeName !== undefined) throw errors.ThingTypeNotFound({ thingTypeName })
  if (billingGroupName !== undefined) throw errors.BillingGroupNotFound({ billingGroupName })
  const attributes: Record<string, string> = attributePayload?.attributes ?? {}
  const thing = await registry.exclusively(async () => {
    const known = registry.thing(thingName)
    if (known && !isSame(known.attributes, attributes)) throw errors.ThingExists({ thingName })
    if (known) return known
    const made: Thing = { thingName, thingId: ids.uuid(), attributes, version: 1 }
    await registry.putThing(made)
    return made
  })
  return json({ thingName, thingArn: arnOf(call, `thing/${thingName}`), thingId: thing.thingId })
}

export function describeThing(call: AwsCall): Reply {
  const { thingName, thingId, attributes, version } = findThing(call)
  return json({
    defaultClientId: thingName,
    thingName,
    thingId,
    thingArn: arnOf(call, `thing/${thingName}`),
    attributes,
    version
  })
}

export function listThings(call: AwsCall): Reply {
  const { maxResults, nextToken, attributeName, attributeValue } = call.query
  const size = maxResults === undefined ? limits.thingsPerPage.value : Number(maxResults)
  if (size < 1) throw limits.thingsPerPage.exceeded(size)
  limits.thingsPerPage.check(size)
  const after = nextToken === undefined ? '' : fromPageToken(nextToken)
  const found: Thing[] = []
  for (const thing of call.state.registry.things(after)) {
    const isWanted =
      attributeName === undefined || thing.attributes[attributeName] === attributeValue
    // One more than asked for tells whether there is a next page.
    if (isWanted && found.push(thing) > size) break
  }
  const page = found.slice(0, size)
  return json({
    things: page.map(({ thingName, attributes, version }) => ({
      thingName,
      thingArn: arnOf(call, `thing/${thingName}`),
      attributes,
      version
    })),
    nextToken: found.length > size ? toPageToken(page.at(-1)!.thingName) : null
  })
}

export async function deleteThing(call: AwsCall): Promise<Reply> {
  const { registry } = call.state
  const thingName = nameOf(call, 'thing')
  const { expectedVersion } = call.query
  await registry.exclusively(async () => {
    const thing = registry.thing(thingName)
    if (!thing) return
    if (expectedVersion !== undefined && Number(expectedVersion) !== thing.version) {
      throw errors.ThingVersionConflict({ thingName, expectedVersion })
    }
    if (registry.hasPrincipals(thingName)) throw errors.ThingAttached({ thingName })
    await registry.deleteThing(thingName)
  })
  return json({})
}

export async function createKeysAndCertificate(call: AwsCall): Promise<Reply> {
  const { registry, signClient } = call.state
  if (!signClient) throw new Error('there is no certificate authority to sign with')
  const { publicKey, privateKey } = await createKeyPair()
  const certificatePem = await signClient(COMMON_NAME, publicKey)
  const certificateId = call.state.certificates.idOf(certificatePem)
  const isActive = call.query.setAsActive?.toLowerCase() === 'true'
  const status = isActive ? 'ACTIVE' : 'INACTIVE'
  await registry.putCertificate({ certificateId, status, policies: [], things: [] })
  return json({
    certificateArn: arnOf(call, `cert/${certificateId}`),
    certificateId,
    certificatePem,
    keyPair: { PublicKey: publicKey, PrivateKey: privateKey }
  })
}

export async function createPolicy(call: AwsCall): Promise<Reply> {
  const { registry } = call.state
  const policyName = nameOf(call, 'policy')
  const { policyDocument: document } = bodyOf(call)
  checkDocument(document)
  await registry.exclusively(async () => {
    if (registry.policy(policyName)) throw errors.PolicyExists({ policyName })
    await registry.putPolicy({ policyName, policyDocument: document })
  })
  return json({
    policyName,
    policyArn: arnOf(call, `policy/${policyName}`),
    policyDocument: document,
    policyVersionId: '1'
  })
}

export async function attachPolicy(call: AwsCall): Promise<Reply> {
  const { registry } = call.state
  const policyName = nameOf(call, 'policy')
  const { target } = bodyOf(call)
  await registry.exclusively(async () => {
    if (!registry.policy(policyName)) throw errors.PolicyNotFound({ policyName })
    const certificate = findCertificate(call, target)
    const policies = [...new Set([...certificate.policies, policyName])]
    await registry.putCertificate({ ...certificate, policies })
  })
  return { status: 200 }
}

export async function attachThingPrincipal(call: AwsCall): Promise<Reply> {
  const { registry } = call.state
  const wantsAlone = call.query.thingPrincipalType === 'EXCLUSIVE_THING'
  await registry.exclusively(async () => {
    const { thingName } = findThing(call)
    const certificate = findCertificate(call, call.header('x-amzn-principal') ?? '')
    const { certificateId, things, isExclusive = false } = certificate
    // What is attached so already stays so.
    if (things.includes(thingName) && isExclusive === wantsAlone) return
    const [attached] = things
    if (attached !== undefined && (isExclusive || wantsAlone)) {
      const row = isExclusive ? errors.PrincipalExclusive : errors.PrincipalNotExclusive
      throw row({ certificateId, thingName: attached })
    }
    await registry.putCertificate({
      ...certificate,
      things: [...things, thingName],
      ...(wantsAlone ? { isExclusive: true } : {})
    })
  })
  return json({})
}

export async function detachThingPrincipal(call: AwsCall): Promise<Reply> {
  const { registry } = call.state
  await registry.exclusively(async () => {
    const { thingName } = findThing(call)
    const certificate = findCertificate(call, call.header('x-amzn-principal') ?? '')
    if (!certificate.things.includes(thingName)) return
    const { isExclusive: _alone, ...rest } = certificate
    const things = certificate.things.filter((name) => name !== thingName)
    await registry.putCertificate({ ...rest, things })
  })
  return json({})
}

function nameOf(call: AwsCall, kind: keyof typeof NAME): string {
  const name = call.params[`${kind}Name`] ?? ''
  const pattern = NAME[kind]
  if (pattern.test(name)) return name
  throw errors.NameInvalid({ name, kind: `${kind}Name`, pattern: pattern.source })
}

function findThing(call: AwsCall): Thing {
  const thingName = nameOf(call, 'thing')
  const thing = call.state.registry.thing(thingName)
  if (!thing) throw errors.ThingNotFound({ thingName })
  return thing
}

function findCertificate({ state }: AwsCall, arn: string): Certificate {
  const certificateId = /^arn:aws[a-z-]*:iot:[^:]*:\d{12}:cert\/([0-9a-f]{64})$/.exec(arn)?.[1]
  if (certificateId === undefined) throw errors.PrincipalInvalid({ principal: arn })
  const certificate = state.registry.certificate(certificateId)
  if (!certificate) throw errors.CertificateNotFound({ certificateId })
  return certificate
}

function arnOf({ principal, state }: AwsCall, resource: string): string {
  const region = principal.kind === 'access-key' ? principal.region : state.region
  return `arn:aws:iot:${region}:${state.accountId}:${resource}`
}

/** Its schema has let it pass; what may be left out may be left out altogether. */
function bodyOf({ body }: AwsCall): Record<string, any> {
  return body.length === 0 ? {} : JSON.parse(body.toString())
}

function checkDocument(text: string): void {
  // Spaces between the members do not count.
  const document = parse(text)
  if (document === undefined || isPolicy(document)) throw errors.PolicyMalformed()
  limits.policyCharacters.check(text.replace(/\s/g, '').length)
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // Only what is no JSON throws.
    return undefined
  }
}

function isSame(one: Record<string, string>, other: Record<string, string>): boolean {
  const names = Object.keys(one)
  return (
    names.length === Object.keys(other).length && names.every((name) => one[name] === other[name])
  )
}

function toPageToken(thingName: string): string {
  return Buffer.from(PAGE_TOKEN + thingName).toString('base64url')
}

function fromPageToken(token: string): string {
  const text = Buffer.from(token, 'base64url').toString()
  const name = text.startsWith(PAGE_TOKEN) ? text.slice(PAGE_TOKEN.length) : ''
  if (name === '' || toPageToken(name) !== token) throw errors.NextTokenInvalid()
  return name
}

function json(value: object): Reply {
  return {
    status: 200,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(value)
  }
}
