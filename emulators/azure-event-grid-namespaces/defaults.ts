import { DEVELOPMENT_KEYS, WELL_KNOWN_PRINCIPAL } from '@fogbank/authority'
import { toRoleAssignment } from './role-assignments.ts'
import type { NamespaceSettings, PermissionBinding, RoleAssignment } from './settings.ts'

/** Settings with what the configuration leaves out filled in: what the control port shows and changes. */
export type WholeSettings = Omit<NamespaceSettings, 'roleAssignments'> & {
  roleAssignments: RoleAssignment[]
} & Required<
    Pick<
      NamespaceSettings,
      | 'topicSpaces'
      | 'clientGroups'
      | 'clients'
      | 'openRegistry'
      | 'caCertificates'
      | 'permissionBindings'
      | 'topics'
      | 'keys'
    >
  >

/** The client group that everybody of the registry belongs to. */
export const EVERYBODY = '$all'

const BINDINGS_OF_ALL: readonly PermissionBinding[] = [
  { clientGroupName: EVERYBODY, topicSpaceName: 'all', permission: 'Publisher' },
  { clientGroupName: EVERYBODY, topicSpaceName: 'all', permission: 'Subscriber' }
]

const ROLES_OF_THE_WELL_KNOWN: readonly RoleAssignment[] = [
  'EventGrid TopicSpaces Publisher',
  'EventGrid TopicSpaces Subscriber',
  'EventGrid Data Contributor'
].map((role) => ({ principalId: WELL_KNOWN_PRINCIPAL.oid, role }))

/**
 * Open enough that the first publish works; whoever names topic spaces or clients has to name the rest.
 * @throws SettingsError
 */
export function toWholeSettings(name: string, settings: NamespaceSettings): WholeSettings {
  const bindings = settings.permissionBindings ?? (settings.topicSpaces ? [] : [...BINDINGS_OF_ALL])
  const assignments = settings.roleAssignments ?? [...ROLES_OF_THE_WELL_KNOWN]
  return {
    ...settings,
    keys: settings.keys ?? [DEVELOPMENT_KEYS.namespaceKey],
    topicSpaces: settings.topicSpaces ?? [{ name: 'all', topicTemplates: ['#'] }],
    clientGroups: settings.clientGroups ?? [],
    clients: settings.clients ?? [],
    openRegistry: settings.openRegistry ?? settings.clients === undefined,
    caCertificates: settings.caCertificates ?? [],
    permissionBindings: bindings.map((binding) => ({ name: nameOfBinding(binding), ...binding })),
    roleAssignments: assignments.map((one) => toRoleAssignment(name, one)),
    topics: settings.topics ?? [{ name: 'default', eventSubscriptions: [{ name: 'default' }] }]
  }
}

/** Bindings may go without a name in the configuration; the control port needs one. */
function nameOfBinding(binding: PermissionBinding): string {
  const group = binding.clientGroupName.replace('$', '')
  return `${group}-${binding.topicSpaceName}-${binding.permission}`
}
