import { WELL_KNOWN_PRINCIPAL } from '@fogbank/authority'
import { nameOf, type Principal } from './auth.ts'
import { errors } from './errors.ts'
import type {
  Permission,
  PermissionBinding,
  RoleAssignment,
  Settings,
  TopicSpace
} from './settings.ts'
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
type Grants = Record<Permission, Template[]>

const PERMISSIONS: Record<string, Permission> = {
  'EventGrid TopicSpaces Publisher': 'Publisher',
  'EventGrid TopicSpaces Subscriber': 'Subscriber'
}

/** Who may do what on which topic. */
export interface Access {
  /** @throws ProviderError */
  checkPublish(principal: Principal, topic: string): void
  /** @throws ProviderError */
  checkSubscribe(principal: Principal, filter: string): void
  /** Reading one retained message takes what subscribing to its topic does. @throws ProviderError */
  checkRead(principal: Principal, topic: string): void
}

/**
 * Compiles the configuration's topic spaces, permission bindings and role assignments.
 *
 * Certificate clients are judged by bindings, Entra principals by roles; a `roles` claim, which the
 * local authority makes on request, takes the place of the assignments, at the namespace's scope.
 * lenient: a principal nobody assigned a role to holds all.
 * @throws Error with a sentence for whoever wrote the configuration
 */
export function createAccess(settings: Settings, lenient: boolean): Access {
  const { topicSpaces = DEFAULT_TOPIC_SPACES } = settings
  const spaces: Spaces = new Map(
    topicSpaces.map(({ name, topicTemplates }) => [name, topicTemplates.map(compileTemplate)])
  )
  const bindings =
    settings.permissionBindings ?? (settings.topicSpaces ? [] : DEFAULT_PERMISSION_BINDINGS)
  const everybody = toBindingGrants(bindings, spaces)
  const assigned = toRoleGrants(settings.roleAssignments ?? DEFAULT_ROLE_ASSIGNMENTS, spaces)
  const wholeNamespace = [...spaces.values()].flat()

  /** undefined: an Entra principal without the role. */
  function templatesFor(principal: Principal, permission: Permission): Template[] | undefined {
    if (principal.kind === 'client') return everybody[permission]
    if (!principal.roles) {
      const grants = assigned.get(principal.oid.toLowerCase())
      return lenient && !grants ? wholeNamespace : grants?.[permission]
    }
    const holds = principal.roles.some((role) => PERMISSIONS[role] === permission)
    return holds ? wholeNamespace : undefined
  }

  function isAllowed(
    principal: Principal,
    permission: Permission,
    fits: (template: BoundTemplate) => boolean
  ): boolean {
    const templates = templatesFor(principal, permission)
    if (!templates) {
      const role = `EventGrid TopicSpaces ${permission}`
      throw errors.RoleMissing({ principal: nameOf(principal), role })
    }
    const variables = toVariables(principal)
    return templates.some((template) => {
      const bound = bindTemplate(template, variables)
      return bound !== undefined && fits(bound)
    })
  }

  const detail = (principal: Principal) => ({ detail: `principal=${nameOf(principal)}` })
  return {
    checkPublish(principal, topic) {
      const levels = topic.split('/')
      if (isAllowed(principal, 'Publisher', (one) => matchesTemplate(one, levels))) return
      throw errors.TopicNotInTopicSpace({ topic }, detail(principal))
    },
    checkSubscribe(principal, filter) {
      const levels = filter.split('/')
      if (isAllowed(principal, 'Subscriber', (one) => coversFilter(one, levels))) return
      throw errors.FilterNotInTopicSpace({ filter }, detail(principal))
    },
    checkRead(principal, topic) {
      const levels = topic.split('/')
      if (isAllowed(principal, 'Subscriber', (one) => matchesTemplate(one, levels))) return
      throw errors.TopicNotInTopicSpace({ topic }, detail(principal))
    }
  }
}

const DEFAULT_TOPIC_SPACES: readonly TopicSpace[] = [{ name: 'all', topicTemplates: ['#'] }]

const DEFAULT_PERMISSION_BINDINGS: readonly PermissionBinding[] = [
  { clientGroupName: '$all', topicSpaceName: 'all', permission: 'Publisher' },
  { clientGroupName: '$all', topicSpaceName: 'all', permission: 'Subscriber' }
]

const DEFAULT_ROLE_ASSIGNMENTS: readonly RoleAssignment[] = Object.keys(PERMISSIONS).map(
  (role) => ({ principalId: WELL_KNOWN_PRINCIPAL.oid, role })
)

function toVariables(principal: Principal): Variables {
  return principal.kind === 'client' ? principal : { authenticationName: principal.oid }
}

function toBindingGrants(bindings: readonly PermissionBinding[], spaces: Spaces): Grants {
  const grants: Grants = { Publisher: [], Subscriber: [] }
  for (const { clientGroupName, topicSpaceName, permission } of bindings) {
    if (clientGroupName !== '$all') {
      throw new Error(`permission binding: only the client group $all, not ${clientGroupName}`)
    }
    grants[permission].push(...templatesOf(spaces, topicSpaceName, 'permission binding'))
  }
  return grants
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
      topicSpace === undefined
        ? [...spaces.values()].flat()
        : templatesOf(spaces, topicSpace, 'role assignment')
    const grants = byPrincipal.get(principalId.toLowerCase()) ?? {}
    grants[permission] = [...(grants[permission] ?? []), ...templates]
    byPrincipal.set(principalId.toLowerCase(), grants)
  }
  return byPrincipal
}

function templatesOf(spaces: Spaces, name: string, where: string): readonly Template[] {
  const templates = spaces.get(name)
  if (!templates) throw new Error(`${where}: there is no topic space ${name}`)
  return templates
}
