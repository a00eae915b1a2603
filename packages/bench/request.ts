/** What is published where nothing else is said. */
export const PAYLOAD = 'x'.repeat(64)

/** A request of HTTP/1.1 as it goes over the wire. */
export function toRequest(
  port: number,
  target: string,
  headers: Record<string, string>,
  body = PAYLOAD,
  method = 'POST'
): Buffer {
  const all: Record<string, string> = {
    Host: `127.0.0.1:${port}`,
    'Content-Length': String(body.length),
    ...headers
  }
  const lines = Object.entries(all).map(([name, value]) => `${name}: ${value}`)
  return Buffer.from(`${method} ${target} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n${body}`)
}
