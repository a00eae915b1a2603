import { SettingsError } from '@fogbank/personality'
import type { RoleAssignment, RoleAssignmentSettings } from './settings.ts'

/**
 * The built-in roles that give rights on Event Grid's data, by the last part of their ids.
 * @see https://learn.microsoft.com/azure/role-based-access-control/built-in-roles/integration
 */
const ROLES: Readonly<Record<string, string>> = {
  'a12b0b94-b317-4dcd-84a8-502ce99884c6': 'EventGrid TopicSpaces Publisher',
  '4b0f2fd7-60b4-4eca-896f-4435034f8bf5': 'EventGrid TopicSpaces Subscriber',
  'd5a91429-5739-47e2-a06b-3470a27159e7': 'EventGrid Data Sender',
  '78cbd9e7-9798-4e2e-9b5a-547d9ebb31fb': 'EventGrid Data Receiver',
  '1d8c3fe3-8864-474b-8749-01e3783e8157': 'EventGrid Data Contributor'
}

/** A namespace, or what of it a role reaches. */
const RESOURCE =
  /\/providers\/Microsoft\.EventGrid\/namespaces\/([^/]+)(?:\/(topicSpaces|topics)\/([^/]+))?\/?$/i
/** What a namespace is in: a role on it is one on the namespace. */
const ABOVE = /^\/(?:subscriptions\/[^/]+(?:\/resourceGroups\/[^/]+)?)?\/?$/i

/**
 * A role assignment in our own words, whichever words it is given in: ours, those of the ARM resource, or
 * those of `az role assignment list`.
 * @throws SettingsError naming the key
 */
export function toRoleAssignment(
  namespace: string,
  { properties, ...own }: RoleAssignmentSettings
): RoleAssignment {
  const given: RoleAssignmentSettings = { ...own, ...properties }
  const { name, principalId, scope, topicSpace, topic } = given
  const place = `roleAssignments/${name ?? principalId ?? ''}`
  const path = properties ? `${place}/properties` : place
  if (principalId === undefined) throw new SettingsError(`${path}/principalId: is missing`)
  const assignment = {
    principalId,
    role: toRole(path, given),
    ...(topicSpace === undefined ? {} : { topicSpace }),
    ...(topic === undefined ? {} : { topic }),
    ...(scope === undefined ? {} : toReach(`${path}/scope`, scope, namespace))
  }
  return { name: name ?? nameOf(assignment), ...assignment }
}

function toRole(
  path: string,
  { role, roleDefinitionId, roleDefinitionName }: RoleAssignmentSettings
): string {
  if (role !== undefined) return role
  if (roleDefinitionId === undefined) {
    throw new SettingsError(`${path}/role: is missing; give it, or the roleDefinitionId`)
  }
  const found = ROLES[roleDefinitionId.split('/').at(-1)!.toLowerCase()]
  if (found !== undefined) return found
  const name = roleDefinitionName === undefined ? '' : ` (${roleDefinitionName})`
  throw new SettingsError(
    `${path}/roleDefinitionId: ${roleDefinitionId}${name} gives no right on events or topic spaces; leave the assignment out`
  )
}

function toReach(
  path: string,
  scope: string,
  namespace: string
): { topicSpace?: string; topic?: string } {
  const [, own, kind, name] = RESOURCE.exec(scope) ?? []
  if (own === undefined) {
    if (ABOVE.test(scope)) return {}
    throw new SettingsError(
      `${path}: ${scope} is neither a namespace, nor a topic space or topic of one, nor what a namespace is in`
    )
  }
  if (own.toLowerCase() !== namespace.toLowerCase()) {
    throw new SettingsError(
      `${path}: is of the namespace ${own}, and this one is ${namespace}; give it that name, or leave the assignment out`
    )
  }
  if (kind === undefined) return {}
  return kind.toLowerCase() === 'topics' ? { topic: name! } : { topicSpace: name! }
}

/** Assignments may go without a name in the configuration; the control port needs one. */
function nameOf({ principalId, role, topicSpace, topic }: RoleAssignment): string {
  const scope = topicSpace ?? topic
  return [principalId, role.replace(/\W+/g, ''), ...(scope ? [scope] : [])].join('-')
}
