import type { Clock } from '@fogbank/core'
import type { Log, PersonalityContext, PersonalityDescription } from '@fogbank/personality'
import { createAuthenticator, toMode, type Authenticator, type Mode } from './auth.ts'
import { createIdMaker, type MakeId } from './connections.ts'
import {
  createInstances,
  type Instance,
  type InstanceSettings,
  type Instances
} from './instances.ts'
import { openRealm, type Realm } from './realm.ts'
import type { OnBreach } from './topics.ts'

export interface State {
  clock: Clock
  log: Log
  mode: Mode
  /** Limits that only shiftr.io has are warned of. */
  lenient: boolean
  onBreach: OnBreach
  legacyPaths: boolean
  diagnosticHeaders: boolean
  cors: boolean
  instances: Instances
  authenticator: Authenticator
  realms: ReadonlyMap<Instance, Realm>
  makeId: MakeId
}

export interface Settings {
  auth?: Mode
  instances?: InstanceSettings[]
  /** lenient warns and lets pass what only shiftr.io limits. */
  limits?: 'strict' | 'lenient'
  legacyPaths?: boolean
  persistRetained?: boolean
  maxLastTopics?: number
  diagnosticHeaders?: boolean
  cors?: boolean
}

const MAX_LAST_TOPICS = 10_000

/** Opens every instance that the settings name. */
export async function createState(context: PersonalityContext<Settings>): Promise<State> {
  const { core, clock, ids, log, auth, settings } = context
  const { maxLastTopics = MAX_LAST_TOPICS, persistRetained = true } = settings
  const mode = toMode(settings.auth, auth)
  const lenient = settings.limits === 'lenient'
  const makeId = createIdMaker(clock, ids)
  const instances = await createInstances(core, settings.instances)
  const realms = new Map<Instance, Realm>()
  for (const instance of instances.all) {
    const options = { clock, makeId, log, maxLastTopics, persistRetained }
    realms.set(instance, await openRealm(instance, options))
  }
  return {
    clock,
    log,
    mode,
    lenient,
    onBreach(breach) {
      if (!lenient) throw breach
      log.warn(`shiftr lets pass what shiftr.io refuses: ${breach.key} ${breach.message}`)
    },
    legacyPaths: settings.legacyPaths ?? false,
    diagnosticHeaders: settings.diagnosticHeaders ?? true,
    cors: settings.cors ?? true,
    instances,
    authenticator: createAuthenticator(instances, mode),
    realms,
    makeId
  }
}

export const realmOf = ({ realms }: State, instance: Instance): Realm => realms.get(instance)!

/** The first instance's secret as it may be shown: one that somebody chose is not for logs and answers. */
export function shownSecret({ instances: { first, seeded } }: State): string {
  const token = first.tokens[0]!
  return seeded ? token.secret : `<secret of token ${token.name}>`
}

export function describe(state: State): PersonalityDescription {
  const { first } = state.instances
  const token = first.tokens[0]!
  const shown = shownSecret(state)
  return {
    credential: state.mode === 'desktop' ? 'none needed' : `instance ${first.name}, token ${shown}`,
    credentials: { username: first.name, password: token.secret },
    hint: `use Basic ${first.name}:${shown}, or start with --auth lenient`,
    webSocketPath: '/'
  }
}
