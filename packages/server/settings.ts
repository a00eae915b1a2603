import type { JsonSchema } from '@fogbank/personality'
import { LOG_LEVELS } from './log.ts'

/** One setting of the suite: how it is said on each of the three ways, and what it means. */
export interface Setting {
  /** As commander writes it. */
  flag: string
  /** Environment variable. */
  env: string
  /** Of the value in the file; strings from flags and the environment are converted to it. */
  schema: JsonSchema & { type: 'string' | 'integer' | 'boolean' | 'array' }
  default: unknown
  meaning: string
}

/** Every setting but the personalities' own; the key is its name in fogbank.config.json. */
export const settings = {
  only: {
    flag: '--only <ids>',
    env: 'FOGBANK_ONLY',
    schema: { type: 'array', items: { type: 'string' } },
    default: undefined,
    meaning: 'personalities to start, with commas; else all'
  },
  dataDir: {
    flag: '--data-dir <dir>',
    env: 'FOGBANK_DATA_DIR',
    schema: { type: 'string', minLength: 1 },
    default: '.fogbank',
    meaning: 'folder of the database'
  },
  ephemeral: {
    flag: '--ephemeral',
    env: 'FOGBANK_EPHEMERAL',
    schema: { type: 'boolean' },
    default: false,
    meaning: 'keep all data in memory'
  },
  host: {
    flag: '--host <address>',
    env: 'FOGBANK_HOST',
    schema: { type: 'string', minLength: 1 },
    default: undefined,
    meaning: 'address to listen on; else the loopback ones'
  },
  hostname: {
    flag: '--hostname <names>',
    env: 'FOGBANK_HOSTNAME',
    schema: { type: 'string', minLength: 1 },
    default: undefined,
    // Whoever asks is answered with the name it asked by, unless one name is everybody's.
    meaning: 'names for the certificate; one alone is in URLs, too'
  },
  portBase: {
    flag: '--port-base <port>',
    env: 'FOGBANK_PORT_BASE',
    schema: { type: 'integer', minimum: 0, maximum: 65400 },
    default: 4600,
    meaning: 'first of the ports; 0 takes free ones'
  },
  auth: {
    flag: '--auth <mode>',
    env: 'FOGBANK_AUTH',
    schema: { type: 'string', enum: ['strict', 'lenient'] },
    default: 'strict',
    meaning: 'lenient takes any well-formed credential'
  },
  logLevel: {
    flag: '--log-level <level>',
    env: 'FOGBANK_LOG_LEVEL',
    schema: { type: 'string', enum: [...LOG_LEVELS] },
    default: 'info',
    meaning: `one of ${LOG_LEVELS.join(', ')}`
  },
  tlsDir: {
    flag: '--tls-dir <dir>',
    env: 'FOGBANK_TLS_DIR',
    schema: { type: 'string', minLength: 1 },
    default: '.fogbank/tls',
    meaning: 'folder of the CA and the certificate'
  },
  tlsCert: {
    flag: '--tls-cert <file>',
    env: 'FOGBANK_TLS_CERT',
    schema: { type: 'string', minLength: 1 },
    default: undefined,
    meaning: 'your own server certificate and chain, PEM'
  },
  tlsKey: {
    flag: '--tls-key <file>',
    env: 'FOGBANK_TLS_KEY',
    schema: { type: 'string', minLength: 1 },
    default: undefined,
    meaning: 'its private key, PEM'
  },
  hints: {
    flag: '--no-hints',
    env: 'FOGBANK_HINTS',
    schema: { type: 'boolean' },
    default: true,
    meaning: 'whether 401 and 403 carry x-fogbank-hint'
  }
} as const satisfies Record<string, Setting>

export type SettingName = keyof typeof settings
