import { SettingsError } from '@fogbank/personality'
import { EVERYBODY, type WholeSettings } from './defaults.ts'
import type { ClientResource } from './settings.ts'

/** All attributes of a client together, as JSON. */
const MAXIMUM_ATTRIBUTE_BYTES = 4096

/** What a namespace holds for each of its throughput units. */
const PER_THROUGHPUT_UNIT = { topics: 100, clients: 10_000 } as const

const LISTS = [
  'topicSpaces',
  'clients',
  'clientGroups',
  'permissionBindings',
  'caCertificates',
  'roleAssignments'
] as const

/**
 * What a schema cannot see: names that stand there twice, names of what is not there, and what does not go
 * together.
 * @throws SettingsError naming the key
 */
export function checkReferences(settings: WholeSettings): void {
  for (const list of LISTS) checkUnique(list, settings[list])
  const { topicSpaces, clientGroups, permissionBindings, roleAssignments, topics } = settings
  const spaces = namesOf(topicSpaces)
  const groups = namesOf(clientGroups).add(EVERYBODY)
  const topicNames = namesOf(topics)
  for (const { name, clientGroupName, topicSpaceName } of permissionBindings) {
    const place = `permissionBindings/${name}`
    checkThere(groups, clientGroupName, `${place}/clientGroupName`, 'client group')
    checkThere(spaces, topicSpaceName, `${place}/topicSpaceName`, 'topic space')
  }
  for (const { name, role, topicSpace, topic } of roleAssignments) {
    const place = `roleAssignments/${name}`
    const isOfData = role.startsWith('EventGrid Data ')
    if (topicSpace !== undefined) {
      if (isOfData) throw new SettingsError(`${place}/topicSpace: ${role} is a role on topics`)
      checkThere(spaces, topicSpace, `${place}/topicSpace`, 'topic space')
    }
    if (topic !== undefined) {
      if (!isOfData) throw new SettingsError(`${place}/topic: ${role} is a role on topic spaces`)
      checkThere(topicNames, topic, `${place}/topic`, 'topic')
    }
  }
  settings.clients.forEach(checkClient)
  checkCapacity(settings)
}

function checkClient({ name, attributes }: ClientResource): void {
  const bytes = Buffer.byteLength(JSON.stringify(attributes ?? {}))
  if (attributes && bytes > MAXIMUM_ATTRIBUTE_BYTES) {
    throw new SettingsError(
      `clients/${name}/attributes: has ${bytes} bytes, but at most ${MAXIMUM_ATTRIBUTE_BYTES} fit`
    )
  }
}

function checkCapacity(settings: WholeSettings): void {
  const { capacity = 1 } = settings.sku ?? {}
  for (const list of ['topics', 'clients'] as const) {
    const { length } = settings[list]
    const maximum = PER_THROUGHPUT_UNIT[list] * capacity
    if (length <= maximum) continue
    throw new SettingsError(
      `${list}: has ${length}, but ${capacity} throughput units hold at most ${maximum}`
    )
  }
}

function checkUnique(list: string, named: readonly { name?: string }[]): void {
  const names = new Set<string>()
  for (const { name = '' } of named) {
    if (names.has(name)) throw new SettingsError(`${list}: there are two named ${name}`)
    names.add(name)
  }
}

function checkThere(names: Set<string>, name: string, place: string, what: string): void {
  if (!names.has(name)) throw new SettingsError(`${place}: there is no ${what} ${name}`)
}

function namesOf(named: readonly { name: string }[]): Set<string> {
  return new Set(named.map(({ name }) => name))
}
