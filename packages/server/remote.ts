import { resolve } from 'node:path'
import type { Configuration } from './config.ts'
import type { Endpoints } from './endpoints.ts'
import { environmentOf } from './environment.ts'
import { UsageError } from './failure.ts'

const TIMEOUT_MS = 2_000
/** Addresses to listen on that are none to call. */
const EVERY_ADDRESS = ['0.0.0.0', '::']

/** The control port of the suite that these settings mean; answers carry the name it is called by. */
function controlUrl({ portBase, host, hostname }: Configuration, loopback: string): string {
  const address = host === undefined || EVERY_ADDRESS.includes(host) ? loopback : host
  const name = hostname ?? address
  return `http://${name.includes(':') ? `[${name}]` : name}:${portBase}`
}

/** Whether the suite answers that it is ready; says on standard error why not. */
export async function isReady(configuration: Configuration): Promise<boolean> {
  // Asked from inside the container, where --hostname need not lead back to it.
  const url = controlUrl({ ...configuration, hostname: undefined }, '127.0.0.1')
  try {
    const reply = await fetch(`${url}/health`, { signal: AbortSignal.timeout(TIMEOUT_MS) })
    if (!reply.ok) console.error(`fogbank: ${url} is not ready: ${await reply.text()}`)
    return reply.ok
  } catch (error) {
    const { cause, message } = error as Error
    console.error(
      `fogbank: ${url} does not answer: ${cause instanceof Error ? cause.message : message}`
    )
    return false
  }
}

/**
 * The variables that point SDKs at one personality or, without an id, at all of them.
 *
 * @throws UsageError when no suite answers, or has no such personality
 */
export async function readEnvironment(
  configuration: Configuration,
  id: string | undefined
): Promise<Record<string, string>> {
  const endpoints = (await ask(configuration, '/endpoints')) as Endpoints
  return environmentOf(
    endpoints,
    id,
    configuration.tlsCert === undefined ? resolve(configuration.tlsDir, 'ca.pem') : undefined
  )
}

/** Has the suite's authority make a token. @throws UsageError when no suite answers, or it refuses */
export async function mintToken(configuration: Configuration, request: object): Promise<string> {
  const reply = await ask(configuration, '/authority/tokens', request)
  return (reply as { access_token: string }).access_token
}

/** Has the suite disconnect everybody and forget everything. @throws UsageError when no suite answers */
export async function resetSuite(configuration: Configuration): Promise<void> {
  await ask(configuration, '/reset', {})
}

/** The running suite's CA, PEM; undefined when no suite answers. */
export async function findCa(configuration: Configuration): Promise<string | undefined> {
  const reply = await fetch(`${controlUrl(configuration, 'localhost')}/ca.pem`, {
    signal: AbortSignal.timeout(TIMEOUT_MS)
  }).catch(() => undefined) // that nobody answers is what is asked
  return reply?.ok ? reply.text() : undefined
}

/**
 * Reads or, with a body, changes what a personality shows of itself on the control port.
 *
 * @param path below `/<personality>`
 * @throws UsageError when no suite answers, or it refuses
 */
export async function askPersonality(
  configuration: Configuration,
  path: string,
  body?: object
): Promise<unknown> {
  return ask(configuration, path, body, 'PUT')
}

async function ask(
  configuration: Configuration,
  path: string,
  body?: object,
  method = 'POST'
): Promise<unknown> {
  const url = controlUrl(configuration, 'localhost')
  const reply = await fetch(`${url}${path}`, {
    signal: AbortSignal.timeout(TIMEOUT_MS),
    ...(body ? { method, body: JSON.stringify(body) } : {})
  }).catch((cause: Error) => {
    throw new UsageError(`no suite answers at ${url}; start one, or name its --port-base`, {
      cause
    })
  })
  if (reply.status === 204) return undefined
  const answer = (await reply.json()) as { error?: string }
  if (!reply.ok) throw new UsageError(answer.error ?? `${url}${path} answered ${reply.status}`)
  return answer
}
