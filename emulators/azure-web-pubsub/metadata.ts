import type { Call } from '@fogbank/personality'
import { errors } from './errors.ts'
import { limits } from './limits.ts'
import type { State } from './state.ts'

const PREFIX = 'x-webpubsub-metadata-'
const ASCII = /^[\x20-\x7e]*$/

/**
 * The `X-WebPubSub-Metadata-…` headers by lower-case key; undefined when there are none. Of values that
 * commas separate, the last counts.
 * @throws ProviderError MetadataInvalid
 */
export function readMetadata({ request }: Call<State>): Record<string, string> | undefined {
  const pairs: [key: string, value: string][] = []
  let bytes = 0
  for (const [name, header] of Object.entries(request.headers)) {
    if (!name.startsWith(PREFIX) || header === undefined) continue
    const key = name.slice(PREFIX.length)
    const value = String(header).split(',').at(-1)!.trim()
    bytes += checkPair(key, value)
    pairs.push([key, value])
  }
  if (bytes > limits.metadataBytes.value) throw tooLong('all', bytes, limits.metadataBytes.value)
  return bytes === 0 ? undefined : Object.fromEntries(pairs)
}

/** Bytes of both; they are ASCII, or refused. */
function checkPair(key: string, value: string): number {
  if (key === '') throw errors.MetadataInvalid({ fault: 'a key is empty' })
  if (!ASCII.test(value))
    throw errors.MetadataInvalid({ fault: `the value of ${key} is not ASCII` })
  const { metadataKeyBytes, metadataValueBytes } = limits
  if (key.length > metadataKeyBytes.value) {
    throw tooLong('a key', key.length, metadataKeyBytes.value)
  }
  if (value.length > metadataValueBytes.value) {
    throw tooLong('a value', value.length, metadataValueBytes.value)
  }
  return key.length + value.length
}

function tooLong(what: string, bytes: number, limit: number) {
  const fault = `${what} of more than ${limit} bytes`
  return errors.MetadataInvalid({ fault }, { detail: `metadataBytes=${bytes}` })
}
