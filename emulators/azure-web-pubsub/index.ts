import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { definePersonality } from '@fogbank/personality'
import { authenticate } from './auth.ts'
import { errors, render } from './errors.ts'
import { createHubs } from './hubs.ts'
import { limits } from './limits.ts'
import { operations } from './operations.ts'
import { settings, type Settings } from './settings.ts'
import { API_VERSIONS } from './shape.ts'
import { PERSONALITY, type State } from './state.ts'
import { createKeyTokens } from './tokens.ts'

const SUPPORTED_VERSIONS = { 'api-supported-versions': API_VERSIONS.join(', ') }
const NO_HEADERS = {}

/** Azure Web PubSub: the data-plane REST API, and the hubs that its clients meet in. */
export const azureWebPubSub = definePersonality<State, Settings | undefined>({
  name: PERSONALITY,
  title: 'Azure Web PubSub',
  portOffset: 40,
  operations,
  errors,
  limits,
  settings,
  create({ core, clock, ids, log, auth, tokens, settings = {} }) {
    const accessKeys = settings.accessKeys ?? [DEVELOPMENT_KEYS.webPubSubKey]
    const hubSettings = Object.entries(settings.hubs ?? {}).map(
      ([name, own]) => [name.toLowerCase(), own] as const
    )
    return {
      core,
      clock,
      ids,
      log,
      auth,
      tokens,
      settings,
      accessKeys,
      keyTokens: createKeyTokens(accessKeys, clock, auth),
      hubs: createHubs(core, () => {}),
      hubSettings: new Map(hubSettings)
    }
  },
  authenticate,
  render,
  headers: ({ operation }) => (operation ? SUPPORTED_VERSIONS : NO_HEADERS),
  fallbacks: {
    unknownOperation: errors.NotFound,
    methodNotAllowed: errors.MethodNotAllowed,
    malformedTarget: errors.TargetMalformed,
    internal: errors.InternalError,
    unavailable: errors.ServiceUnavailable
  },
  describe: ({ accessKeys: [accessKey = ''] }) => ({
    credential: `Endpoint={http};AccessKey=${accessKey};Version=1.0;`,
    credentials: {
      connectionString: `Endpoint={http};AccessKey=${accessKey};Version=1.0;`,
      accessKey
    },
    hint: `sign a token with access key ${accessKey} (HS256) for the URL that is called, or use a token of the local authority for https://webpubsub.azure.com whose principal holds the role Web PubSub Service Owner, or start with --auth lenient`,
    mqttOverTcp: false
  }),
  async reset({ hubs, keyTokens }) {
    keyTokens.clear()
    for (const hub of await hubs.all()) hub.clear()
  }
})
