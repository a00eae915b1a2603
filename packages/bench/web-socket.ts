import { once } from 'node:events'
import net from 'node:net'

/**
 * As much of a WebSocket client as a load generator wants: binary messages out, the bytes of binary
 * messages in, and next to no work for either.
 */
export class LeanWebSocket {
  readonly #socket: net.Socket
  #rest: Buffer = Buffer.alloc(0)

  private constructor(socket: net.Socket) {
    this.#socket = socket
  }

  /** @throws Error when the upgrade is refused */
  static async open(port: number, path: string): Promise<LeanWebSocket> {
    const socket = net.connect({ port, host: '127.0.0.1', noDelay: true })
    const lines = [
      `GET ${path} HTTP/1.1`,
      `Host: 127.0.0.1:${port}`,
      'Upgrade: websocket',
      'Connection: Upgrade',
      'Sec-WebSocket-Version: 13',
      'Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==',
      'Sec-WebSocket-Protocol: mqtt'
    ]
    socket.write(`${lines.join('\r\n')}\r\n\r\n`)
    const [answer] = (await once(socket, 'data')) as [Buffer]
    const head = answer.toString('latin1')
    if (!head.startsWith('HTTP/1.1 101')) throw new Error(head)
    return new LeanWebSocket(socket)
  }

  /** Masked with zeros, as only the mask's presence is asked for. */
  write(bytes: Buffer): void {
    const { length } = bytes
    const head =
      length < 126
        ? Buffer.from([0x82, 0x80 | length, 0, 0, 0, 0])
        : Buffer.from([0x82, 0xfe, length >> 8, length & 255, 0, 0, 0, 0])
    if (length > 65_535) throw new Error('write less at once')
    this.#socket.write(Buffer.concat([head, bytes]))
  }

  on(_event: 'data', take: (bytes: Buffer) => void): void {
    this.#socket.on('data', (chunk: Buffer) => take(this.#unframe(chunk)))
  }

  once(_event: 'data', take: (bytes: Buffer) => void): void {
    this.#socket.once('data', (chunk: Buffer) => take(this.#unframe(chunk)))
  }

  pause(): void {
    this.#socket.pause()
  }

  destroy(): void {
    this.#socket.destroy()
  }

  /** What is in whole frames; the rest waits for its end. */
  #unframe(chunk: Buffer): Buffer {
    const data = this.#rest.length > 0 ? Buffer.concat([this.#rest, chunk]) : chunk
    const parts: Buffer[] = []
    let at = 0
    while (at + 2 <= data.length) {
      const short = data[at + 1]!
      const head = short < 126 ? 2 : 4
      if (short === 127) throw new Error('frames of more than 64 KB are not expected here')
      if (at + head > data.length) break
      const length = short < 126 ? short : data.readUInt16BE(at + 2)
      if (at + head + length > data.length) break
      parts.push(data.subarray(at + head, at + head + length))
      at += head + length
    }
    this.#rest = data.subarray(at)
    return Buffer.concat(parts)
  }
}
