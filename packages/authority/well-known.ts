/**
 * The principal that every install knows: it holds all data-plane roles, wherever roles are asked.
 *
 * Constants, so that a test suite's configuration can name them.
 */
export const WELL_KNOWN_PRINCIPAL = {
  tenantId: 'f09ba2c0-0000-4000-8000-000000000001',
  clientId: 'f09ba2c0-0000-4000-8000-000000000002',
  /** The object id; Azure's role assignments call it principalId. */
  oid: 'f09ba2c0-0000-4000-8000-000000000003',
  clientSecret: 'local'
} as const

/**
 * The header that App Service's managed identity endpoint wants, as `IDENTITY_HEADER` has it.
 *
 * The same on every install: what keeps others out is that the port listens on this machine only.
 */
export const IDENTITY_HEADER = 'F09BA2C0000040008000000000000004'

/** Resources that tokens are made for, as they stand in `aud`. */
export const AUDIENCES = {
  eventGrid: 'https://eventgrid.azure.net',
  webPubSub: 'https://webpubsub.azure.com',
  /** Of tokens that stand for a client in a federation. */
  tokenExchange: 'api://AzureADTokenExchange'
} as const

/**
 * The development keys: the base64 of 32 bytes each, the same on every install.
 *
 * They protect nothing. Real keys have no place in an emulator.
 */
export const DEVELOPMENT_KEYS = {
  /** `fogbank-local-namespace-key-one!` */
  namespaceKey: 'Zm9nYmFuay1sb2NhbC1uYW1lc3BhY2Uta2V5LW9uZSE=',
  /** `fogbank-local-topic-key-number-1` */
  topicKey1: 'Zm9nYmFuay1sb2NhbC10b3BpYy1rZXktbnVtYmVyLTE=',
  /** `fogbank-local-topic-key-number-2` */
  topicKey2: 'Zm9nYmFuay1sb2NhbC10b3BpYy1rZXktbnVtYmVyLTI=',
  /** `fogbank-local-web-pubsub-key-one` */
  webPubSubKey: 'Zm9nYmFuay1sb2NhbC13ZWItcHVic3ViLWtleS1vbmU='
} as const
