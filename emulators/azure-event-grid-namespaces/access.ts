import { SettingsError } from '@fogbank/personality'
import { nameOf, type ClientPrincipal, type EntraPrincipal, type Principal } from './auth.ts'
import { EVERYBODY, type WholeSettings } from './defaults.ts'
import { errors } from './errors.ts'
import { compileQuery, type Membership } from './groups.ts'
import type { ClientGroup, Permission, PermissionBinding, RoleAssignment } from './settings.ts'
import {
  bindTemplate,
  compileTemplate,
  coversFilter,
  matchesTemplate,
  type BoundTemplate,
  type Template,
  type Variables
} from './templates.ts'

type Spaces = ReadonlyMap<string, readonly Template[]>
type Grants = Record<Permission, readonly Template[]>
type BoundGrants = Record<Permission, readonly BoundTemplate[]>

/** A permission binding, ready to be asked. */
interface Rule {
  isMember: Membership
  permission: Permission
  templates: readonly Template[]
}

const PERMISSIONS: Record<string, Permission> = {
  'EventGrid TopicSpaces Publisher': 'Publisher',
  'EventGrid TopicSpaces Subscriber': 'Subscriber'
}

/** Principals whose templates are kept as they read for them; the oldest makes room. */
const PRINCIPALS_KEPT = 1_000

/** What can be done with a namespace topic. */
export type DataAction = 'send' | 'receive'

const DATA_ACTIONS: Record<string, readonly DataAction[]> = {
  'EventGrid Data Sender': ['send'],
  'EventGrid Data Receiver': ['receive'],
  'EventGrid Data Contributor': ['send', 'receive']
}

/** Who may do what on which topic. */
export interface Access {
  /** @throws ProviderError */
  checkPublish(principal: Principal, topic: string): void
  /** @throws ProviderError */
  checkSubscribe(principal: Principal, filter: string): void
  /** Sending to and receiving from a topic takes a data role. @throws ProviderError */
  checkData(principal: EntraPrincipal, action: DataAction, topic: string): void
  /** Reading one retained message takes what subscribing to its topic does. @throws ProviderError */
  checkRead(principal: Principal, topic: string): void
}

/**
 * Compiles the configuration's topic spaces, permission bindings and role assignments.
 *
 * Certificate clients are judged by bindings, Entra principals by roles; a `roles` claim, which the
 * local authority makes on request, takes the place of the assignments, at the namespace's scope.
 * lenient: a principal nobody assigned a role to holds all.
 * The names in them were found to be there (checkReferences).
 * @throws SettingsError naming the key
 */
export function createAccess(settings: WholeSettings, lenient: boolean): Access {
  const { topicSpaces, permissionBindings, clientGroups, roleAssignments } = settings
  const spaces: Spaces = new Map(
    topicSpaces.map(({ name, topicTemplates }) => [
      name,
      topicTemplates.map((text, index) =>
        at(`topicSpaces/${name}/topicTemplates/${index}`, () => compileTemplate(text))
      )
    ])
  )
  const rules = toRules(permissionBindings, clientGroups, spaces)
  const assigned = toRoleGrants(roleAssignments, spaces)
  const wholeNamespace = [...spaces.values()].flat()
  // A client stays the same object, with the same groups, for as long as it is connected.
  const clients = new WeakMap<ClientPrincipal, BoundGrants>()
  // Principals of Entra are told anew by each token; what theirs reads like stays, for the latest of them.
  const entra = new Map<string, readonly BoundTemplate[]>()

  function grantsOf(client: ClientPrincipal): BoundGrants {
    let grants = clients.get(client)
    if (!grants) {
      const own = rules.filter(({ isMember }) => isMember(client))
      const granted = (permission: Permission) =>
        bindAll(
          own.flatMap((rule) => (rule.permission === permission ? rule.templates : [])),
          client
        )
      grants = { Publisher: granted('Publisher'), Subscriber: granted('Subscriber') }
      clients.set(client, grants)
    }
    return grants
  }

  /** undefined: without the role. */
  function rolesOf(principal: EntraPrincipal, permission: Permission) {
    if (!principal.roles) {
      const grants = assigned.get(principal.oid.toLowerCase())
      return lenient && !grants ? wholeNamespace : grants?.[permission]
    }
    const holds = principal.roles.some((role) => PERMISSIONS[role] === permission)
    return holds ? wholeNamespace : undefined
  }

  /** undefined: an Entra principal without the role. */
  function templatesFor(
    principal: Principal,
    permission: Permission
  ): readonly BoundTemplate[] | undefined {
    if (principal.kind === 'client') return grantsOf(principal)[permission]
    const templates = rolesOf(principal, permission)
    if (!templates) return undefined
    const key = `${templates === wholeNamespace ? 'all' : permission} ${principal.oid}`
    let bound = entra.get(key)
    if (!bound) {
      bound = bindAll(templates, { authenticationName: principal.oid })
      if (entra.size >= PRINCIPALS_KEPT) entra.delete(entra.keys().next().value!)
      entra.set(key, bound)
    }
    return bound
  }

  function isAllowed(
    principal: Principal,
    permission: Permission,
    fits: (template: BoundTemplate) => boolean
  ): boolean {
    const templates = templatesFor(principal, permission)
    if (templates) return templates.some(fits)
    const role = `EventGrid TopicSpaces ${permission}`
    throw errors.RoleMissing({ principal: nameOf(principal), role })
  }

  function holdsDataRole({ oid, roles }: EntraPrincipal, action: DataAction, topic: string) {
    if (roles) return roles.some((role) => DATA_ACTIONS[role]?.includes(action))
    const own = roleAssignments.filter(
      ({ principalId }) => principalId.toLowerCase() === oid.toLowerCase()
    )
    if (lenient && own.length === 0) return true
    return own.some(
      (one) =>
        DATA_ACTIONS[one.role]?.includes(action) && (one.topic === undefined || one.topic === topic)
    )
  }

  const detail = (principal: Principal, topic: string) => ({
    detail: `topic=${topic} principal=${nameOf(principal)}`
  })
  return {
    checkPublish(principal, topic) {
      const levels = topic.split('/')
      if (isAllowed(principal, 'Publisher', (one) => matchesTemplate(one, levels))) return
      throw errors.TopicNotInTopicSpace({ topic }, detail(principal, topic))
    },
    checkSubscribe(principal, filter) {
      const levels = filter.split('/')
      if (isAllowed(principal, 'Subscriber', (one) => coversFilter(one, levels))) return
      throw errors.FilterNotInTopicSpace({ filter }, detail(principal, filter))
    },
    checkData(principal, action, topic) {
      if (holdsDataRole(principal, action, topic)) return
      throw errors.DataActionMissing({
        principal: nameOf(principal),
        action: `Microsoft.EventGrid/events/${action}/action`
      })
    },
    checkRead(principal, topic) {
      const levels = topic.split('/')
      if (isAllowed(principal, 'Subscriber', (one) => matchesTemplate(one, levels))) return
      throw errors.TopicNotInTopicSpace({ topic }, detail(principal, topic))
    }
  }
}

/** The templates as they read for one client; those that do not fit it are left out. */
function bindAll(templates: readonly Template[], variables: Variables): BoundTemplate[] {
  return templates.flatMap((template) => {
    const bound = bindTemplate(template, variables)
    return bound ? [bound] : []
  })
}

function toRules(
  bindings: readonly PermissionBinding[],
  groups: readonly ClientGroup[],
  spaces: Spaces
): Rule[] {
  const members = new Map<string, Membership>([[EVERYBODY, () => true]])
  for (const { name, query } of groups) {
    members.set(
      name,
      at(`clientGroups/${name}/query`, () => compileQuery(query))
    )
  }
  return bindings.map(({ clientGroupName, topicSpaceName, permission }) => ({
    isMember: members.get(clientGroupName)!,
    permission,
    templates: spaces.get(topicSpaceName)!
  }))
}

/** Faults of what `read` reads are told with the place where it stands. @throws SettingsError */
function at<Value>(place: string, read: () => Value): Value {
  try {
    return read()
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    throw new SettingsError(`${place}: ${error.message}`, { cause: error })
  }
}

function toRoleGrants(
  assignments: readonly RoleAssignment[],
  spaces: Spaces
): Map<string, Partial<Grants>> {
  const byPrincipal = new Map<string, Partial<Grants>>()
  for (const { principalId, role, topicSpace } of assignments) {
    const permission = PERMISSIONS[role]
    if (!permission) continue // the Data roles say nothing of topic spaces
    const templates =
      topicSpace === undefined ? [...spaces.values()].flat() : spaces.get(topicSpace)!
    const grants = byPrincipal.get(principalId.toLowerCase()) ?? {}
    grants[permission] = [...(grants[permission] ?? []), ...templates]
    byPrincipal.set(principalId.toLowerCase(), grants)
  }
  return byPrincipal
}
