const EVENT_NAME = /^[A-Za-z][\w.-]{0,127}$/
const METADATA_KEY = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/
const ASCII = /^[\0-\x7f]*$/

const METADATA_KEY_BYTES = 256
const METADATA_VALUE_BYTES = 1024
const METADATA_BYTES = 8 * 1024

export const isEventName = (name: string): boolean => EVENT_NAME.test(name)

/** What is wrong with the metadata of a message; undefined: nothing. */
export function metadataFault(metadata: Readonly<Record<string, string>>): string | undefined {
  let bytes = 0
  for (const [key, value] of Object.entries(metadata)) {
    if (!METADATA_KEY.test(key)) return `the metadata key '${key}' has invalid characters`
    if (!ASCII.test(value)) return `the metadata value of '${key}' is not ASCII`
    if (key.length > METADATA_KEY_BYTES) return `a metadata key has ${key.length} bytes`
    if (value.length > METADATA_VALUE_BYTES)
      return `the value of '${key}' has ${value.length} bytes`
    bytes += key.length + value.length
  }
  return bytes > METADATA_BYTES ? `the metadata has ${bytes} bytes` : undefined
}
