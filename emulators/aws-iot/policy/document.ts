import { compileConditions, type Condition, type Conditions } from './condition.ts'
import { compilePattern, type Lookup, type Pattern } from './pattern.ts'

export interface PolicyStatement {
  Sid?: string
  Effect: 'Allow' | 'Deny'
  Action: string | string[]
  Resource: string | string[]
  Condition?: Conditions
}

/** A policy as its schema lets it pass. */
export interface PolicyDocument {
  Version?: string
  Id?: string
  Statement: PolicyStatement | PolicyStatement[]
}

/** One thing that somebody wants to do. */
export interface Access {
  /** `iot:Publish` */
  action: string
  /** The ARN, or `*` for an action that has no resource. */
  resource: string
  lookup: Lookup
}

/** A policy that can be asked. */
export interface Policy {
  /** undefined: it says nothing of this. */
  decide(access: Access): 'Allow' | 'Deny' | undefined
}

/** What whoever has no policy of his own may do: everything. */
export const ALLOW_ALL: Policy = { decide: () => 'Allow' }

/** The version from which on `${…}` is a variable. */
const VARIABLES_SINCE = '2012-10-17'

/**
 * A policy, ready to be asked.
 * @see https://docs.aws.amazon.com/iot/latest/developerguide/iot-policies.html
 */
export function compilePolicy({ Version, Statement }: PolicyDocument): Policy {
  const substitutes = Version === VARIABLES_SINCE
  const statements = [Statement].flat().map((statement) => compileStatement(statement, substitutes))
  return {
    decide(access) {
      let decision: 'Allow' | undefined
      for (const statement of statements) {
        if (!statement.applies(access)) continue
        if (statement.effect === 'Deny') return 'Deny'
        decision = 'Allow'
      }
      return decision
    }
  }
}

/** A Deny anywhere wins; without an Allow somewhere it is a no. */
export function isAllowed(policies: readonly Policy[], access: Access): boolean {
  let allowed = false
  for (const policy of policies) {
    const decision = policy.decide(access)
    if (decision === 'Deny') return false
    if (decision === 'Allow') allowed = true
  }
  return allowed
}

function compileStatement(
  { Effect, Action, Resource, Condition }: PolicyStatement,
  substitutes: boolean
): { effect: 'Allow' | 'Deny'; applies(access: Access): boolean } {
  // Actions are compared without regard to case, resources are not.
  const actions = [Action].flat().map((action) => compilePattern(action.toLowerCase(), false))
  const resources = [Resource].flat().map((resource) => compilePattern(resource, substitutes))
  const holds: Condition = Condition ? compileConditions(Condition, substitutes) : () => true
  const some = (patterns: readonly Pattern[], text: string, lookup: Lookup) =>
    patterns.some((pattern) => pattern.matches(text, lookup))
  return {
    effect: Effect,
    applies: ({ action, resource, lookup }) =>
      some(actions, action.toLowerCase(), lookup) &&
      some(resources, resource, lookup) &&
      holds(lookup)
  }
}
