import { once } from 'node:events'
import http from 'node:http'
import net from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readIncoming } from './body.ts'

const bodies = suite('a request body')

/** What became of reading the body of a request whose client hung up in the middle, before or after it began. */
async function readOfClientThatLeaves(begins: 'before' | 'after'): Promise<unknown> {
  let client: net.Socket | undefined
  const read = new Promise<unknown>((resolve) => {
    const server = http.createServer((incoming) => {
      const leave = async () => {
        const closed = once(incoming, 'close')
        client!.destroy()
        await closed.catch(() => {}) // `aborted` is said by an error, too
      }
      const begin = () => readIncoming(incoming, 100).then(String, (error: Error) => error.message)
      const ended = begins === 'after' ? leave().then(begin) : Promise.all([begin(), leave()])
      void ended.then((result) => {
        server.close()
        resolve(Array.isArray(result) ? result[0] : result)
      })
    })
    server.listen(0, '127.0.0.1', () => {
      client = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1')
      client.on('error', () => {}) // it is cut off on purpose
      client.write('POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\nab')
    })
  })
  const late = new Promise((resolve) => setTimeout(() => resolve('nothing'), 5_000).unref())
  return Promise.race([read, late])
}

for (const begins of ['before', 'after'] as const) {
  bodies(`fails where the reading began ${begins} its client had left`, async () => {
    const outcome = await readOfClientThatLeaves(begins)
    assert.match(String(outcome), /went away|aborted/)
  })
}

bodies.run()
