import type { IncomingMessage } from 'node:http'

/**
 * Reads a request body up to a limit; undefined as soon as it is known to be longer.
 *
 * What is left unread is drained and thrown away, so the connection stays usable; the server's request
 * timeout bounds how long.
 * @throws Error when the client goes away in the middle
 */
export function readIncoming(
  incoming: IncomingMessage,
  maximumBytes: number
): Promise<Buffer | undefined> {
  if (Number(incoming.headers['content-length']) > maximumBytes) return Promise.resolve(undefined)
  // Its events have been: nobody would be told any more.
  if (incoming.destroyed && !incoming.readableEnded) return Promise.reject(wentAway())
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let length = 0
    const finish = () => {
      incoming.off('data', onData).off('end', onEnd).off('error', onError).off('close', onClose)
    }
    const onData = (chunk: Buffer) => {
      length += chunk.length
      if (length > maximumBytes) {
        finish()
        incoming.resume()
        resolve(undefined)
        return
      }
      chunks.push(chunk)
    }
    const onEnd = () => {
      finish()
      resolve(chunks.length === 1 ? chunks[0] : Buffer.concat(chunks, length))
    }
    const onError = (error: Error) => {
      finish()
      reject(error)
    }
    const onClose = () => onError(wentAway())
    incoming.on('data', onData).on('end', onEnd).on('error', onError).on('close', onClose)
  })
}

const wentAway = () => new Error('the client went away before its body was complete')
