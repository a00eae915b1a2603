import { dirname, join } from 'node:path'
import { IDENTITY_HEADER, IDENTITY_PATHS } from '@fogbank/authority'
import type { Endpoints } from './endpoints.ts'
import { UsageError } from './failure.ts'
import { TRUST_JKS, TRUST_PEM } from './trust.ts'

/** How `fogbank env` can be told to print. */
export const ENVIRONMENT_FORMATS = ['shell', 'dotenv', 'json'] as const
export type EnvironmentFormat = (typeof ENVIRONMENT_FORMATS)[number]

/** What every reader of .env files takes as it stands; `docker run --env-file` knows no quotes. */
const NEEDS_NO_QUOTES = /^[\w./:;,=+@%&?-]*$/

/** Variables as text: for `eval` in a POSIX shell, as a .env file, or as a JSON object. */
export function formatEnvironment(
  variables: Record<string, string>,
  format: EnvironmentFormat
): string {
  if (format === 'json') return JSON.stringify(variables, null, 2)
  const lines = Object.entries(variables).map(([name, value]) =>
    format === 'shell'
      ? `export ${name}='${value.replaceAll("'", `'\\''`)}'`
      : `${name}=${NEEDS_NO_QUOTES.test(value) ? value : quote(value)}`
  )
  return lines.join('\n')
}

const quote = (value: string) => (value.includes("'") ? `"${value}"` : `'${value}'`)

/**
 * The variables that point SDKs at one personality or, without an id, at all of them.
 *
 * @param caFile where the CA's certificate stands; its variables are left out without one
 * @throws UsageError when the suite has no such personality
 */
export function environmentOf(
  endpoints: Endpoints,
  id: string | undefined,
  caFile: string | undefined
): Record<string, string> {
  const all: Record<string, string> = {}
  for (const one of id === undefined ? Object.keys(endpoints) : [id]) {
    const variables = environmentFor(one, endpoints, caFile)
    if (!variables) {
      const running = Object.keys(endpoints).join(', ')
      throw new UsageError(`"${one}" is not running; name one of ${running}`)
    }
    Object.assign(all, variables)
  }
  return all
}

/**
 * The variables that point a vendor's SDK here, by personality id; undefined for an id that has none.
 *
 * Every name is one that the SDK itself reads, but those that begin with FOGBANK_.
 */
export function environmentFor(
  id: string,
  endpoints: Endpoints,
  caFile: string | undefined
): Record<string, string> | undefined {
  const entry = endpoints[id] as Record<string, string> | undefined
  if (!entry) return undefined
  const credentials = (entry as { credentials?: Record<string, string> }).credentials ?? {}
  const ca = caFile ? trustIn(caFile) : {}
  // The SDKs of Azure give tokens to nobody who speaks plain HTTP.
  const secure = (url: string) => (caFile ? url.replace('http://', 'https://') : url)
  switch (id) {
    case 'aws-iot':
      return {
        AWS_ENDPOINT_URL_IOT_DATA_PLANE: secure(entry.http!),
        // The control plane is on the same port; without this its calls would leave for the cloud.
        AWS_ENDPOINT_URL_IOT: secure(entry.http!),
        AWS_ACCESS_KEY_ID: credentials.accessKeyId!,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey!,
        AWS_REGION: credentials.region!,
        // The one that Python's SDK reads.
        AWS_DEFAULT_REGION: credentials.region!,
        ...ca,
        // Set in many a company's network, where it goes before the others.
        ...('SSL_CERT_FILE' in ca ? { AWS_CA_BUNDLE: ca.SSL_CERT_FILE! } : {})
      }
    case 'azure-event-grid-namespaces':
      return { FOGBANK_AZURE_EVENT_GRID_NAMESPACES_ENDPOINT: secure(entry.http!), ...ca }
    case 'azure-event-grid-topics':
      return {
        FOGBANK_AZURE_EVENT_GRID_TOPICS_ENDPOINT: secure(entry.endpoint!),
        FOGBANK_AZURE_EVENT_GRID_TOPICS_KEY: credentials.key1!,
        ...ca
      }
    case 'azure-web-pubsub':
      return { WebPubSubConnectionString: secure(credentials.connectionString!), ...ca }
    case 'authority': {
      const control = endpoints.control?.http as string
      return {
        AZURE_AUTHORITY_HOST: entry.https!,
        // The one tenant for which SDKs do not ask the public cloud whether this authority is known.
        AZURE_TENANT_ID: 'adfs',
        AZURE_CLIENT_ID: credentials.clientId!,
        AZURE_CLIENT_SECRET: credentials.clientSecret!,
        IDENTITY_ENDPOINT: `${control}${IDENTITY_PATHS.appService}`,
        IDENTITY_HEADER,
        AZURE_POD_IDENTITY_AUTHORITY_HOST: control,
        ...ca
      }
    }
    default: {
      const name = id.toUpperCase().replaceAll('-', '_')
      return { [`FOGBANK_${name}_ENDPOINT`]: entry.http!, ...ca }
    }
  }
}

/** What makes each language's programs trust the CA; all but Node's hold the public authorities too. */
function trustIn(caFile: string): Record<string, string> {
  const bundle = join(dirname(caFile), TRUST_PEM)
  const store = join(dirname(caFile), TRUST_JKS)
  const path = store.includes(' ') ? `"${store}"` : store
  return {
    NODE_EXTRA_CA_CERTS: caFile,
    SSL_CERT_FILE: bundle,
    REQUESTS_CA_BUNDLE: bundle,
    JAVA_TOOL_OPTIONS: `-Djavax.net.ssl.trustStore=${path} -Djavax.net.ssl.trustStoreType=JKS`
  }
}
