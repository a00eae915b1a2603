/** The attributes every CloudEvent 1.0 has to have. */
export const REQUIRED_ATTRIBUTES = ['specversion', 'type', 'source', 'id'] as const

export const STRUCTURED_MEDIA_TYPE = 'application/cloudevents+json'
export const BATCH_MEDIA_TYPE = 'application/cloudevents-batch+json'

/** How an HTTP message carries its event or events. */
export type ContentMode = 'structured' | 'batch' | 'binary'

/** A request's header by its lower-case name. */
export type HeaderSource = (name: string) => string | undefined

const HEADER = /^ce-([a-z0-9]+)$/

/** The media type of a Content-Type value: lower case, without parameters. */
export function mediaTypeOf(contentType: string | undefined): string | undefined {
  return contentType?.split(';', 1)[0]!.trim().toLowerCase()
}

/**
 * Which of the three modes a message is in; undefined: it is none of CloudEvents.
 *
 * The media type decides; without one of CloudEvents' own, a `ce-` header of a required attribute does.
 * @see https://github.com/cloudevents/spec/blob/v1.0.2/cloudevents/bindings/http-protocol-binding.md
 */
export function contentModeOf(header: HeaderSource): ContentMode | undefined {
  const mediaType = mediaTypeOf(header('content-type'))
  if (mediaType === STRUCTURED_MEDIA_TYPE) return 'structured'
  if (mediaType === BATCH_MEDIA_TYPE) return 'batch'
  return hasBinaryHeaders(header) ? 'binary' : undefined
}

/** Whether a header of a required attribute is there, whatever the media type says. */
export function hasBinaryHeaders(header: HeaderSource): boolean {
  return REQUIRED_ATTRIBUTES.some((name) => header(`ce-${name}`) !== undefined)
}

/**
 * The attributes that the `ce-` headers carry, percent-decoded, extensions included; `datacontenttype` comes
 * from Content-Type. An escape that is none stays as it is.
 */
export function readBinaryAttributes(
  headers: Record<string, string | string[] | undefined>
): Record<string, string> {
  const attributes: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    const attribute = HEADER.exec(name)?.[1]
    if (attribute === undefined || value === undefined) continue
    attributes[attribute] = decode(Array.isArray(value) ? value[0]! : value)
  }
  const contentType = headers['content-type']
  if (typeof contentType === 'string') attributes.datacontenttype = contentType
  return attributes
}

function decode(value: string): string {
  // Node hands header bytes over as latin1; what was sent raw is UTF-8.
  const text = Buffer.from(value, 'latin1').toString('utf8')
  try {
    return decodeURIComponent(text)
  } catch {
    // Not an escape: the sender meant the percent sign.
    return text
  }
}
