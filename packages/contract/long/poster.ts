import http from 'node:http'
import type { DeviceMessage } from './device.ts'

const BASIC = `Basic ${Buffer.from('local:local').toString('base64')}`

/** Posts through shiftr.io's door over kept-alive connections. */
export interface Poster {
  /** The status of the answer. @throws Error when the connection is lost before it */
  post(message: DeviceMessage): Promise<number>
  close(): void
}

export function createPoster(port: number, connections: number): Poster {
  const agent = new http.Agent({ keepAlive: true, maxSockets: connections })
  return {
    post: ({ topic, payload, qos, retain }) =>
      new Promise((resolve, reject) => {
        const request = http.request({
          agent,
          hostname: '127.0.0.1',
          port,
          method: 'POST',
          path: `/broker/${topic}?qos=${qos}&retained=${retain}`,
          headers: { authorization: BASIC }
        })
        request.once('response', (reply) => {
          reply.resume()
          reply.once('end', () => resolve(reply.statusCode ?? 0))
          reply.once('error', reject)
        })
        request.once('error', reject)
        request.end(payload)
      }),
    close: () => agent.destroy()
  }
}
