import { compileSchema, type JsonSchema } from '@fogbank/personality'
import { isGroupName } from '../names.ts'
import { isSuccess, type Outcome, type UpstreamEvent } from './events.ts'
import type { UpstreamAnswer } from './post.ts'

const optional = (schema: JsonSchema): JsonSchema => ({ anyOf: [schema, { type: 'null' }] })
const texts: JsonSchema = { type: 'array', items: { type: 'string' } }
const userProperties = optional({
  type: 'array',
  items: {
    type: 'object',
    required: ['name', 'value'],
    properties: { name: { type: 'string' }, value: { type: 'string' } }
  }
})

const accepted = compileSchema({
  anyOf: [
    { type: 'null' },
    {
      type: 'object',
      properties: {
        userId: optional({ type: 'string' }),
        groups: optional(texts),
        roles: optional(texts),
        subprotocol: optional({ type: 'string' }),
        subProtocol: optional({ type: 'string' }),
        mqtt: optional({ type: 'object', properties: { userProperties } })
      }
    }
  ]
})

interface Accepted {
  userId?: string | null
  groups?: string[] | null
  roles?: string[] | null
  subprotocol?: string | null
  /** A sample of the documentation spells it so. */
  subProtocol?: string | null
  mqtt?: { userProperties?: { name: string; value: string }[] | null } | null
}

/** What a `connect` handler decided; absent members leave what the token said. */
export interface Verdict {
  userId?: string
  groups?: string[]
  roles?: string[]
  subprotocol?: string
  userProperties?: { name: string; value: string }[]
}

/** Who connects, as the handler is told. */
export interface ConnectBody {
  claims: Record<string, string[]>
  query: Record<string, string[]>
  headers: Record<string, string[]>
  subprotocols: string[]
  clientCertificates: { thumbprint: string; content: string }[]
}

export function toConnectEvent(body: object): UpstreamEvent {
  return {
    kind: 'sys',
    event: 'connect',
    contentType: 'application/json; charset=utf-8',
    body: Buffer.from(JSON.stringify(body))
  }
}

/**
 * What became of `connect`: a verdict, or the answer that refuses; undefined: the handler could not be
 * asked, or answered rubbish, which is logged already or told as `fault`.
 */
export function readVerdict(
  outcome: Outcome
): { verdict: Verdict } | { refusal: UpstreamAnswer } | { fault: string } {
  if ('unhandled' in outcome) return { verdict: {} }
  if ('fault' in outcome) return outcome
  const { answer } = outcome
  if (!isSuccess(answer)) return { refusal: answer }
  if (answer.body.length === 0) return { verdict: {} }
  let said: unknown
  try {
    said = JSON.parse(answer.body.toString('utf8'))
  } catch (error) {
    return { fault: `the answer is not JSON: ${(error as Error).message}` }
  }
  const fault = accepted(said)
  if (fault) return { fault: `the answer's ${fault.path || 'body'} ${fault.sentence}` }
  return toVerdict((said ?? {}) as Accepted)
}

function toVerdict(said: Accepted): { verdict: Verdict } | { fault: string } {
  const { userId, groups, roles, mqtt } = said
  const subprotocol = said.subprotocol ?? said.subProtocol
  const verdict: Verdict = {}
  if (typeof userId === 'string') verdict.userId = userId
  // An empty list takes the token's roles away; of groups, it keeps them.
  if (roles) verdict.roles = roles
  if (groups?.length) verdict.groups = groups
  if (typeof subprotocol === 'string') verdict.subprotocol = subprotocol
  if (mqtt?.userProperties) verdict.userProperties = mqtt.userProperties
  if (!groups?.every(isGroupName)) {
    if (groups) return { fault: 'the answer names an invalid group' }
  }
  return { verdict }
}
