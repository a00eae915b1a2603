import { IDENTITY_HEADER, IDENTITY_PATHS } from '@fogbank/authority'
import type { Endpoints } from './endpoints.ts'
import { UsageError } from './failure.ts'

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
  // It takes the place of the public authorities; only who asks for the authority alone wants that.
  if (id === undefined) delete all.REQUESTS_CA_BUNDLE
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
  const ca: Record<string, string> = caFile ? { NODE_EXTRA_CA_CERTS: caFile } : {}
  switch (id) {
    case 'aws-iot':
      return {
        AWS_ENDPOINT_URL_IOT_DATA_PLANE: entry.http!,
        AWS_ACCESS_KEY_ID: credentials.accessKeyId!,
        AWS_SECRET_ACCESS_KEY: credentials.secretAccessKey!,
        AWS_REGION: credentials.region!,
        ...ca
      }
    case 'azure-event-grid-topics':
      return {
        FOGBANK_AZURE_EVENT_GRID_TOPICS_ENDPOINT: entry.endpoint!,
        FOGBANK_AZURE_EVENT_GRID_TOPICS_KEY: credentials.key1!,
        ...ca
      }
    case 'azure-web-pubsub':
      return { WebPubSubConnectionString: credentials.connectionString!, ...ca }
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
        ...ca,
        ...(caFile ? { REQUESTS_CA_BUNDLE: caFile } : {})
      }
    }
    default: {
      const name = id.toUpperCase().replaceAll('-', '_')
      return { [`FOGBANK_${name}_ENDPOINT`]: entry.http!, ...ca }
    }
  }
}
