import { limits } from './limits.ts'
import { compilePattern, type Pattern } from './patterns.ts'

/** What a role lets a client do with a group. */
export type Action = 'joinLeaveGroup' | 'sendToGroup'

export const ACTIONS: readonly Action[] = ['sendToGroup', 'joinLeaveGroup']

/** What one connection may do; begins with its roles, changed by REST while it lasts. */
export interface Permissions {
  allows(action: Action, group: string): boolean
  /** Literal: a star in the name is a star. False, and nothing changed: too many exceptions. */
  grant(action: Action, group: string): boolean
  revoke(action: Action, group: string): boolean
  /** Whether REST has made it another than the roles say. */
  differs(action: Action, group: string): boolean
}

/** One action's part: literal exceptions first, then patterns, then the default. */
interface Rules {
  allowsAll: boolean
  readonly patterns: Pattern[]
  readonly exceptions: Map<string, boolean>
  /** The literal groups among the roles. */
  initial: ReadonlyMap<string, boolean>
}

/** @see https://learn.microsoft.com/azure/azure-web-pubsub/concept-client-protocols */
export function createPermissions(roles: readonly string[]): Permissions {
  const rules: Record<Action, Rules> = {
    joinLeaveGroup: toRules('joinLeaveGroup', roles),
    sendToGroup: toRules('sendToGroup', roles)
  }
  return {
    allows: (action, group) => allows(rules[action], group),
    grant: (action, group) => change(rules[action], group, true),
    revoke: (action, group) => change(rules[action], group, false),
    differs(action, group) {
      const { initial } = rules[action]
      return (
        allows(rules[action], group) !== (initial.get(group) ?? impliedBy(rules[action], group))
      )
    }
  }
}

function toRules(action: Action, roles: readonly string[]): Rules {
  const all = `webpubsub.${action}`
  const literal = `${all}.`
  const pattern = `${all}s.`
  const rules: Rules = {
    allowsAll: false,
    patterns: [],
    exceptions: new Map(),
    initial: new Map()
  }
  for (const role of roles) {
    if (role === all) rules.allowsAll = true
    else if (role.startsWith(literal)) change(rules, role.slice(literal.length), true)
    else if (role.startsWith(pattern)) {
      // A pattern that is none grants nothing; the role is not refused for it.
      const compiled = compilePattern(role.slice(pattern.length))
      if (compiled) rules.patterns.unshift(compiled)
    }
  }
  rules.initial = new Map(rules.exceptions)
  return rules
}

function allows(rules: Rules, group: string): boolean {
  return rules.exceptions.get(group) ?? impliedBy(rules, group)
}

const impliedBy = ({ allowsAll, patterns }: Rules, group: string) =>
  allowsAll || patterns.some((matches) => matches(group))

function change(rules: Rules, group: string, allowed: boolean): boolean {
  const { exceptions } = rules
  if (impliedBy(rules, group) === allowed) {
    exceptions.delete(group)
    return true
  }
  if (!exceptions.has(group) && exceptions.size >= limits.literalPermissions.value) return false
  exceptions.set(group, allowed)
  return true
}
