import type { Context, MiddlewareHandler } from 'hono'

/**
 * Refuses bodies that are too long, chunked ones as soon as they are known to be.
 *
 * Hono's own bodyLimit makes a new Request of a chunked one, which is not to be had of the requests that
 * node-server makes when it leaves the global objects alone.
 */
export function limitBody(
  maximumBytes: number,
  refuse: (c: Context) => Response | Promise<Response>
): MiddlewareHandler {
  return async (c, next) => {
    const { body } = c.req.raw
    if (!body) return next()
    const length = c.req.header('content-length')
    if (length !== undefined && c.req.header('transfer-encoding') === undefined) {
      return Number(length) > maximumBytes ? refuse(c) : next()
    }
    const bytes = await readUpTo(maximumBytes, body)
    if (!bytes) return refuse(c)
    // Hono keeps promises there, whatever the types say.
    Object.assign(c.req.bodyCache, { arrayBuffer: Promise.resolve(bytes) })
    return next()
  }
}

/** undefined: it is longer. */
async function readUpTo(
  maximumBytes: number,
  body: ReadableStream<Uint8Array>
): Promise<ArrayBuffer | undefined> {
  const chunks: Uint8Array[] = []
  let length = 0
  const reader = body.getReader()
  for (;;) {
    const { done, value } = await reader.read()
    if (done) break
    length += value.length
    if (length > maximumBytes) return undefined
    chunks.push(value)
  }
  return new Uint8Array(Buffer.concat(chunks, length)).buffer
}
