import { definePersonality } from '@fogbank/personality'
import { createAuthenticator, toMode } from './auth.ts'
import { createIdMaker } from './connections.ts'
import { corsHeaders } from './cors.ts'
import { errors, render } from './errors.ts'
import { authenticate, type Settings, type State } from './handlers.ts'
import { createInstances, type Instance } from './instances.ts'
import { limits } from './limits.ts'
import { mqtt } from './mqtt.ts'
import { operations } from './operations.ts'
import { openRealm, type Realm } from './realm.ts'
import { settings } from './schemas.ts'

const MAX_LAST_TOPICS = 10_000

/** The HTTP interface of shiftr.io and the broker behind it. */
export const shiftr = definePersonality<State, Settings>({
  name: 'shiftr',
  title: 'shiftr.io',
  portOffset: 50,
  operations,
  errors,
  limits,
  // `authenticate` looks at path and verb first: what is not there needs no credentials.
  order: ['authenticate', 'match', 'size', 'schema'],
  settings,
  async create({ core, clock, ids, log, auth, settings }) {
    const mode = toMode(settings.auth, auth)
    const lenient = settings.limits === 'lenient'
    const makeId = createIdMaker(clock, ids)
    const instances = await createInstances(core, settings.instances)
    const realms = new Map<Instance, Realm>()
    const { maxLastTopics = MAX_LAST_TOPICS, persistRetained = true } = settings
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
  },
  authenticate,
  render,
  headers: corsHeaders,
  fallbacks: {
    unknownOperation: errors.PathUnknown,
    methodNotAllowed: errors.MethodNotAllowed,
    malformedTarget: errors.EscapeMalformed,
    internal: errors.Internal,
    unavailable: errors.Unavailable
  },
  mqtt,
  describe({ instances: { first, seeded }, mode }) {
    const token = first.tokens[0]!
    // A secret that somebody chose is not for logs and answers; the token's name has to do.
    const shown = seeded ? token.secret : `<secret of token ${token.name}>`
    return {
      credential: mode === 'desktop' ? 'none needed' : `instance ${first.name}, token ${shown}`,
      credentials: { username: first.name, password: token.secret },
      hint: `use Basic ${first.name}:${shown}, or start with --auth lenient`,
      webSocketPath: '/'
    }
  },
  reset: ({ realms }) => realms.forEach((realm) => realm.reset()),
  close: ({ realms }) => realms.forEach((realm) => realm.close())
})
