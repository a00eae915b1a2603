import { defineLimits } from '@fogbank/personality'
import { errors } from './errors.ts'

const DOCS = 'https://learn.microsoft.com/azure/azure-web-pubsub'
const API =
  'https://github.com/Azure/azure-rest-api-specs/tree/main/specification/webpubsub/data-plane/WebPubSub'
const MQTT_PARAMETERS =
  'https://github.com/MicrosoftDocs/azure-docs/blob/main/articles/azure-web-pubsub/includes/mqtt-connection-parameters.md'
const EMULATOR = 'https://github.com/Azure/azure-webpubsub/tree/main/tools/emulator'

export const limits = defineLimits(errors, {
  hubCharacters: {
    value: 128,
    unit: 'characters',
    raises: 'HubNameInvalid',
    source: API,
    evidence: 'documented'
  },
  groupCharacters: {
    value: 1024,
    unit: 'characters',
    raises: 'GroupNameInvalid',
    source: API,
    evidence: 'documented'
  },
  targetNameCharacters: {
    value: 1024,
    unit: 'characters',
    raises: 'TargetNameInvalid',
    source: EMULATOR,
    evidence: 'recorded'
  },
  messageBytes: {
    value: 1024 * 1024,
    unit: 'bytes',
    raises: 'MessageTooLarge',
    source: `${DOCS}/key-concepts`,
    evidence: 'documented'
  },
  messageTtlSeconds: {
    value: 300,
    unit: 'seconds',
    raises: 'MessageTtlInvalid',
    source: API,
    evidence: 'documented'
  },
  minutesToExpire: {
    value: 2_147_483_647,
    unit: 'minutes',
    raises: 'MinutesToExpireInvalid',
    source: API,
    evidence: 'documented'
  },
  pageConnections: {
    value: 200,
    unit: 'connections',
    raises: 'MaxPageSizeInvalid',
    source: API,
    evidence: 'documented'
  },
  listedConnections: {
    value: 2_147_483_647,
    unit: 'connections',
    raises: 'TopInvalid',
    source: API,
    evidence: 'documented'
  },
  continuationTokenCharacters: {
    value: 2048,
    unit: 'characters',
    raises: 'ContinuationTokenInvalid',
    source: EMULATOR,
    evidence: 'recorded'
  },
  metadataKeyBytes: {
    value: 256,
    unit: 'bytes',
    raises: 'MetadataInvalid',
    source: EMULATOR,
    evidence: 'recorded'
  },
  metadataValueBytes: {
    value: 1024,
    unit: 'bytes',
    raises: 'MetadataInvalid',
    source: EMULATOR,
    evidence: 'recorded'
  },
  metadataBytes: {
    value: 8 * 1024,
    unit: 'bytes',
    raises: 'MetadataInvalid',
    source: EMULATOR,
    evidence: 'recorded'
  },
  filterClauses: {
    value: 100,
    unit: 'clauses',
    raises: 'FilterInvalid',
    source: `${DOCS}/reference-odata-filter`,
    evidence: 'documented'
  },
  filterDepth: {
    value: 100,
    unit: 'levels',
    raises: 'FilterInvalid',
    source: EMULATOR,
    evidence: 'recorded'
  },
  /** The service has such a limit; how high it is nobody says. */
  literalPermissions: {
    value: 1000,
    unit: 'group names',
    raises: 'PermissionsConflict',
    source: EMULATOR,
    evidence: 'assumed'
  },
  clientIdCharacters: {
    value: 128,
    unit: 'characters',
    raises: 'ClientIdInvalid',
    source: MQTT_PARAMETERS,
    evidence: 'documented'
  },
  /** MQTT 3.1.1; MQTT 5 clients are told this one instead of a longer one. */
  keepAliveSeconds: {
    value: 180,
    unit: 'seconds',
    raises: 'KeepAliveInvalid',
    source: MQTT_PARAMETERS,
    evidence: 'documented'
  },
  willBytes: {
    value: 2000,
    unit: 'bytes',
    raises: 'WillTooLarge',
    source: MQTT_PARAMETERS,
    evidence: 'documented'
  },
  /** Of one pattern role; a pattern with more grants nothing. */
  patternStars: {
    value: 5,
    unit: 'stars',
    raises: 'GroupNameInvalid',
    source: `${DOCS}/concept-wildcard-group-roles`,
    evidence: 'documented'
  }
})
