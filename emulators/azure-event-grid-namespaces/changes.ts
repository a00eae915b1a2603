import type { RecordChange, Records } from '@fogbank/core'
import { SettingsError } from '@fogbank/personality'
import type { WholeSettings } from './defaults.ts'

/** The lists of named resources that a namespace has; the words are those of the ARM paths. */
export const COLLECTIONS = [
  'topicSpaces',
  'clients',
  'clientGroups',
  'permissionBindings',
  'caCertificates',
  'roleAssignments',
  'topics'
] as const

export type Collection = (typeof COLLECTIONS)[number]

/** A change that was made at run time, over what the configuration says. */
export type Change =
  | { collection: Collection; name: string; resource: object | undefined }
  /** A property of the namespace itself. */
  | { property: string; value: unknown }

/** The settings after a change; the old ones are left as they were. */
export function applyChange(settings: WholeSettings, change: Change): WholeSettings {
  if ('property' in change) return { ...settings, [change.property]: change.value }
  const { collection, name, resource } = change
  const list = settings[collection] as readonly { name?: string }[]
  const index = list.findIndex((one) => one.name === name)
  const own = resource && { ...resource, name }
  if (index < 0) return { ...settings, [collection]: own ? [...list, own] : [...list] }
  return { ...settings, [collection]: list.toSpliced(index, 1, ...(own ? [own] : [])) }
}

/** What the service does not let be changed. @throws SettingsError */
export function checkChanges(before: WholeSettings, after: WholeSettings): void {
  const earlier = new Map(before.clients.map((client) => [client.name, client]))
  for (const { name, authenticationName = name } of after.clients) {
    const { authenticationName: own = name } = earlier.get(name) ?? { authenticationName }
    if (own === authenticationName) continue
    throw new SettingsError(
      `clients/${name}/authenticationName: is ${own} and cannot be changed; delete the client first`
    )
  }
}

/** Changes survive a restart; `POST /reset` empties them with everything else. */
export interface ChangeStore {
  read(namespace: string): Promise<Change[]>
  keep(namespace: string, changes: readonly Change[]): Promise<void>
}

/** The last change of each resource or property lives under `NAMESPACE/COLLECTION/NAME`. */
export function createChangeStore(records: Records): ChangeStore {
  return {
    async read(namespace) {
      const changes: Change[] = []
      for await (const [, value] of records.range({ gt: `${namespace}/`, lt: `${namespace}0` })) {
        changes.push(JSON.parse(value.toString()) as Change)
      }
      return changes
    },
    async keep(namespace, changes) {
      const puts = changes.map((change): RecordChange => {
        const place =
          'property' in change
            ? `properties/${change.property}`
            : `${change.collection}/${change.name}`
        return { put: `${namespace}/${place}`, value: Buffer.from(JSON.stringify(change)) }
      })
      await records.commit(puts)
    }
  }
}
