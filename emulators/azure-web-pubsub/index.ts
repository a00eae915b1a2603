import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { definePersonality } from '@fogbank/personality'
import { authenticate } from './auth.ts'
import { createClients } from './clients/clients.ts'
import { clientErrors } from './clients/errors.ts'
import { clientLimits } from './clients/limits.ts'
import { clientOperations } from './clients/operations.ts'
import { errors, render } from './errors.ts'
import { openGrants } from './grants.ts'
import { createHubs } from './hubs.ts'
import { limits } from './limits.ts'
import { watchSessions, type MqttSide } from './mqtt-sessions.ts'
import { mqtt } from './mqtt.ts'
import { operations } from './operations.ts'
import { settings, type Settings } from './settings.ts'
import { API_VERSIONS } from './shape.ts'
import { PERSONALITY, type State } from './state.ts'
import { createKeyTokens } from './tokens.ts'
import { createControl } from './upstream/control.ts'
import { createUpstream } from './upstream/events.ts'
import { createHubSettings } from './upstream/hub-settings.ts'
import { createMqttEvents } from './upstream/mqtt.ts'

const SUPPORTED_VERSIONS = { 'api-supported-versions': API_VERSIONS.join(', ') }
const NO_HEADERS = {}

/** Azure Web PubSub: the data-plane REST API, and the hubs that its clients meet in. */
export const azureWebPubSub = definePersonality<State, Settings | undefined>({
  name: PERSONALITY,
  title: 'Azure Web PubSub',
  portOffset: 40,
  // Clients come last: what is under `/client` and nobody else's is theirs.
  operations: { ...operations, ...clientOperations },
  errors: { ...errors, ...clientErrors },
  limits: { ...limits, ...clientLimits },
  settings,
  async create({ core, clock, ids, log, auth, tokens, issueToken, settings = {} }) {
    const accessKeys = settings.accessKeys ?? [DEVELOPMENT_KEYS.webPubSubKey]
    const keyTokens = createKeyTokens(accessKeys, clock, auth)
    const hubSettings = createHubSettings(settings.hubs)
    const handlersOf = (hub: string) => hubSettings.get(hub).eventHandlers ?? []
    const upstream = createUpstream({ clock, ids, log, accessKeys, handlersOf, issueToken })
    const newId = () => ids.uuid().replaceAll('-', '')
    const mqttSide: MqttSide = {
      clock,
      events: createMqttEvents({ upstream, log, newId }),
      newId,
      grants: await openGrants(await core.records(`${PERSONALITY}:grants`)),
      publishesWillOnClose: settings.publishWillOnClose ?? true,
      failed: (error, what) => log.error(error, `${PERSONALITY} ${what}`)
    }
    return {
      core,
      clock,
      ids,
      log,
      auth,
      tokens,
      settings,
      accessKeys,
      keyTokens,
      hubs: createHubs(core, (hub) => watchSessions(hub, mqttSide)),
      mqttSide,
      hubSettings,
      upstream,
      clients: createClients({ clock, log, keyTokens, upstream })
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
  mqtt,
  describe: ({ accessKeys: [accessKey = ''] }) => ({
    credential: `Endpoint={http};AccessKey=${accessKey};Version=1.0;`,
    credentials: {
      connectionString: `Endpoint={http};AccessKey=${accessKey};Version=1.0;`,
      accessKey
    },
    hint: `sign a token with access key ${accessKey} (HS256) for the URL that is called, or use a token of the local authority for https://webpubsub.azure.com whose principal holds the role Web PubSub Service Owner, or start with --auth lenient`,
    mqttOverTcp: false
  }),
  control: ({ hubSettings }) => createControl(hubSettings),
  async reset({ hubs, keyTokens, clients, upstream, hubSettings, mqttSide }) {
    keyTokens.clear()
    mqttSide.grants.clear()
    clients.drop()
    hubSettings.reset()
    upstream.reset()
    for (const hub of await hubs.all()) hub.clear()
  },
  close({ clients, upstream }) {
    upstream.close()
    clients.drop()
  }
})
