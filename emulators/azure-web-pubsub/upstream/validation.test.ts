import http from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withWebPubSub, type World } from '../clients/testing.ts'
import { configure, early, refusal } from './testing.ts'

interface Asked {
  method: string
  url: string
  headers: http.IncomingHttpHeaders
}

/** A server that decides itself about validation; POSTs are taken with 204. */
async function withServer(
  validate: (asked: Asked, answer: http.ServerResponse) => void,
  run: (url: string, asked: Asked[]) => Promise<void>
): Promise<void> {
  const asked: Asked[] = []
  const server = http.createServer((request, response) => {
    const { method = '', url = '', headers } = request
    asked.push({ method, url, headers })
    request.resume()
    if (method === 'POST') response.writeHead(204).end()
    else validate(asked.at(-1)!, response)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  try {
    await run(`http://127.0.0.1:${(server.address() as AddressInfo).port}`, asked)
  } finally {
    server.close()
    server.closeAllConnections()
  }
}

const useServer = (world: World, url: string) =>
  configure(world, [{ urlTemplate: `${url}/{hub}/{event}?e={event}`, systemEvents: ['connect'] }])

const validation = suite('azure-web-pubsub webhook validation')

validation('comes before the first event, and once a minute at most', () =>
  withServer(
    (_asked, answer) => answer.writeHead(200, { 'WebHook-Allowed-Origin': '*' }).end(),
    (url, asked) =>
      withWebPubSub({ manualClock: true }, async (world) => {
        await useServer(world, url)
        assert.is(await refusal(world), 'let in')
        assert.equal(
          asked.map((one) => `${one.method} ${one.url}`),
          ['OPTIONS /chat/validate?e=validate', 'POST /chat/connect?e=connect']
        )
        const { headers } = asked[0]!
        assert.is(headers['webhook-request-origin'], '127.0.0.1')
        assert.is(headers['ce-awpsversion'], '1.0')
        assert.is(headers['ce-signature'], undefined)
        world.clock!.advance(59_999)
        assert.is(await refusal(world), 'let in')
        assert.is(asked.filter(({ method }) => method === 'OPTIONS').length, 1)
        world.clock!.advance(1)
        assert.is(await refusal(world), 'let in')
        assert.is(asked.filter(({ method }) => method === 'OPTIONS').length, 2)
      })
  )
)

for (const [what, header, isAllowed] of [
  ['the origin', '127.0.0.1', true],
  ['the origin with a port, as the JavaScript SDK has it', '127.0.0.1:4640', true],
  ['several lines of which one fits', ['other.example', '127.0.0.1'], true],
  ['another origin', 'other.example', false],
  ['a list in one line', 'other.example, 127.0.0.1', false],
  ['nothing', undefined, false]
] as const) {
  validation(`is ${isAllowed ? 'passed' : 'failed'} by ${what}`, () =>
    withServer(
      (_asked, answer) => {
        if (header) answer.setHeader('WebHook-Allowed-Origin', header as string | string[])
        answer.writeHead(200).end()
      },
      (url) =>
        withWebPubSub({}, async (world) => {
          await useServer(world, url)
          assert.is(await refusal(world), isAllowed ? 'let in' : '500 ')
          const told = world.lines.some((line) => /validation of .* failed: 200 with/.test(line))
          assert.is(told, !isAllowed)
        })
    )
  )
}

validation('asks with GET where OPTIONS is not found', () =>
  withServer(
    ({ method }, answer) => {
      if (method === 'OPTIONS') answer.writeHead(404).end()
      else answer.writeHead(200, { 'WebHook-Allowed-Origin': '*' }).end()
    },
    (url, asked) =>
      withWebPubSub({}, async (world) => {
        await useServer(world, url)
        assert.is(await refusal(world), 'let in')
        assert.equal(
          asked.map(({ method }) => method),
          ['OPTIONS', 'GET', 'POST']
        )
      })
  )
)

validation('does not wait longer than ten seconds', () =>
  withServer(
    () => {},
    (url, asked) =>
      withWebPubSub({ manualClock: true }, async (world) => {
        await useServer(world, url)
        const outcome = refusal(world)
        while (asked.length === 0) await new Promise((resolve) => setImmediate(resolve))
        world.clock!.advance(9_999)
        assert.is(await early(outcome), 'nothing yet')
        world.clock!.advance(1)
        assert.is(await outcome, '500 ')
      })
  )
)

validation('is tried again after a second, then after longer', () => {
  let isOpen = false
  return withServer(
    (_asked, answer) =>
      answer.writeHead(200, isOpen ? { 'WebHook-Allowed-Origin': '*' } : {}).end(),
    (url, asked) =>
      withWebPubSub({ manualClock: true }, async (world) => {
        await useServer(world, url)
        const tries = () => asked.filter(({ method }) => method === 'OPTIONS').length
        assert.is(await refusal(world), '500 ')
        assert.is(await refusal(world), '500 ')
        assert.is(tries(), 1)
        world.clock!.advance(1_000)
        isOpen = true
        // This one counts by what was known; it asks for the next.
        assert.is(await refusal(world), '500 ')
        while (tries() < 2) await new Promise((resolve) => setImmediate(resolve))
        while ((await refusal(world)) !== 'let in') {
          await new Promise((resolve) => setImmediate(resolve))
        }
      })
  )
})

validation.run()
