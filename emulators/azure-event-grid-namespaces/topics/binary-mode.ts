import { mediaTypeOf, readBinaryAttributes } from '@fogbank/cloudevents'
import { errors } from '../errors.ts'
import { toNamespaceEvent, type NamespaceEvent } from './cloud-event.ts'
import { parseJson } from './ordered-json.ts'

type Headers = Readonly<Record<string, string | string[] | undefined>>

/** Attributes that have their own place in this mode. */
const ELSEWHERE = ['datacontenttype', 'data', 'data_base64']
const JSON_MEDIA_TYPE = /^[^/]+\/(?:[^/]+\+)?json$/

/**
 * The event of a request in binary mode: attributes in `ce-` headers, data in the body.
 *
 * JSON becomes `data`, text a string in `data`, anything else `data_base64`.
 * @throws ProviderError
 */
export function readBinaryEvent(headers: Headers, body: Buffer): NamespaceEvent {
  const contentType = headers['content-type']
  if (typeof contentType !== 'string' || contentType === '') throw errors.ContentTypeMissing()
  const event: Record<string, unknown> = readBinaryAttributes(headers)
  for (const attribute of ELSEWHERE) {
    if (headers[`ce-${attribute}`] !== undefined) throw errors.AttributeInvalid({ attribute })
  }
  const exact = { ...event }
  if (body.length > 0) addData(event, exact, contentType, body)
  return toNamespaceEvent(event, exact)
}

function addData(
  event: Record<string, unknown>,
  exact: Record<string, unknown>,
  contentType: string,
  body: Buffer
): void {
  const mediaType = mediaTypeOf(contentType) ?? ''
  const text =
    JSON_MEDIA_TYPE.test(mediaType) || mediaType.startsWith('text/') ? toText(body) : undefined
  if (text === undefined) {
    event.data_base64 = body.toString('base64')
  } else if (mediaType.startsWith('text/') && !JSON_MEDIA_TYPE.test(mediaType)) {
    event.data = exact.data = text
  } else {
    const data = readJson(text)
    event.data = data.value
    exact.data = data.exact
  }
}

function readJson(text: string): { value: unknown; exact: unknown } {
  try {
    return parseJson(text)
  } catch (error) {
    throw errors.DataMalformed({}, { detail: (error as Error).message })
  }
}

function toText(body: Buffer): string | undefined {
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(body)
  } catch {
    return undefined // bytes that are no text stay bytes
  }
}
