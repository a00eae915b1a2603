import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { CoreError, createManualClock, systemIds } from '@fogbank/core'
import {
  createApp,
  createPipeline,
  defineErrors,
  defineLimits,
  defineOperations,
  definePersonality,
  type PersonalityContext,
  type PersonalityDefinition
} from './index.ts'

const row = { source: 'this test', evidence: 'assumed' } as const

const errors = defineErrors({
  TooLong: { status: 400, code: 'TooLong', message: 'at most {limit}, not {actual}', ...row },
  BadQuery: { status: 400, code: 'BadQuery', message: 'bad {name}', ...row },
  Denied: { status: 401, code: 'Denied', message: null, ...row },
  NotFound: { status: 404, code: 'NotFound', message: 'nothing here', ...row },
  NotAllowed: { status: 405, code: 'NotAllowed', message: 'use {allow}', ...row },
  TooLarge: { status: 413, code: 'TooLarge', message: 'at most {limit} bytes', ...row },
  Malformed: { status: 400, code: 'Malformed', message: 'cannot be read', ...row },
  Internal: { status: 500, code: 'Internal', message: 'internal', ...row },
  Unavailable: { status: 503, code: 'Unavailable', message: 'try later', ...row }
})

const limits = defineLimits(errors, {
  nameCharacters: { value: 3, unit: 'characters', raises: 'TooLong', ...row },
  bodyBytes: { value: 4, unit: 'bytes', raises: 'TooLarge', ...row }
})

const operations = defineOperations<object>()({
  Echo: {
    method: 'POST',
    path: '/echo/{name+}',
    query: {
      type: 'object',
      properties: { qos: { type: 'string', enum: ['0', '1'] } }
    },
    invalid: (fault) => errors.BadQuery({ name: fault.path.slice(1) }),
    bodyLimit: limits.bodyBytes,
    raises: ['TooLong', 'BadQuery', 'TooLarge'],
    handle(call) {
      limits.nameCharacters.check(call.params.name!.length)
      if (call.params.name === 'bug') throw new Error('a bug')
      if (call.params.name === 'db') throw new CoreError('store-failed', 'disk full')
      return { status: 200, headers: { 'Content-Type': 'text/plain' }, body: call.body }
    },
    source: 'this test'
  }
})

/** One request through a pipeline of its own; answers what came back and what was logged. */
async function ask(
  target: string,
  init: RequestInit = { method: 'POST', body: 'x' },
  more: Partial<PersonalityDefinition> = {}
) {
  const lines: string[] = []
  const log = (line: string) => void lines.push(line)
  const definition = definePersonality({
    name: 'echo',
    title: 'Echo',
    portOffset: 99,
    operations,
    errors,
    limits,
    create: () => ({}),
    authenticate(call) {
      if (call.header('authorization') === 'no') throw errors.Denied()
    },
    render: (error) => ({
      status: error.row.status,
      headers: { 'Content-Type': 'text/plain' },
      body: String(error.text)
    }),
    fallbacks: {
      unknownOperation: errors.NotFound,
      methodNotAllowed: errors.NotAllowed,
      malformedTarget: errors.Malformed,
      internal: errors.Internal,
      unavailable: errors.Unavailable
    },
    describe: () => ({ credential: '', credentials: {}, hint: 'bring a key' }),
    ...more
  })
  const context = {
    clock: createManualClock(),
    ids: systemIds,
    log: { info: log, warn: log, error: (_error: unknown, line: string) => log(line) },
    hints: true
  } as unknown as PersonalityContext
  const { answer, faults } = createPipeline(definition, context, {})
  const app = createApp(answer)
  const reply = await app.request(target, init)
  const text = await reply.text()
  return { status: reply.status, text, headers: reply.headers, lines, app, faults }
}

const pipeline = suite('pipeline')

pipeline('hands body and parameters to the operation', async () => {
  const { status, text, headers, lines } = await ask('/echo/a?qos=1')
  assert.is(status, 200)
  assert.is(text, 'x')
  assert.is(headers.get('content-length'), '1')
  assert.equal(lines, ['echo Echo 200 ok'])
})

const ROWS: [
  name: string,
  target: string,
  init: RequestInit,
  status: number,
  text: string,
  line: string
][] = [
  [
    'a limit',
    '/echo/abcd',
    { method: 'POST' },
    400,
    'at most 3, not 4',
    'echo Echo 400 TooLong nameCharacters=4'
  ],
  ['a schema', '/echo/a?qos=2', { method: 'POST' }, 400, 'bad qos', 'echo Echo 400 BadQuery'],
  [
    'a body',
    '/echo/a',
    { method: 'POST', body: '12345' },
    413,
    'at most 4 bytes',
    'echo Echo 413 TooLarge bodyBytes=more than 4'
  ],
  [
    'an unknown path',
    '/else',
    { method: 'POST' },
    404,
    'nothing here',
    'echo POST 404 NotFound POST /else'
  ],
  [
    'another verb',
    '/echo/a',
    { method: 'PUT' },
    405,
    'use POST',
    'echo PUT 405 NotAllowed PUT /echo/a'
  ],
  [
    'another verb and a malformed path',
    '/echo/%zz',
    { method: 'PUT' },
    405,
    'use POST',
    'echo PUT 405 NotAllowed PUT /echo/%zz'
  ],
  [
    'a malformed path',
    '/echo/%zz',
    { method: 'POST' },
    400,
    'cannot be read',
    'echo POST 400 Malformed target=http://localhost/echo/%zz'
  ],
  [
    'a malformed query',
    '/echo/a?x=%',
    { method: 'POST' },
    400,
    'cannot be read',
    'echo POST 400 Malformed target=http://localhost/echo/a?x=%'
  ],
  [
    'a bug',
    '/echo/bug',
    { method: 'POST' },
    500,
    'internal',
    'echo Echo 500 Internal see the stack above'
  ],
  [
    'a failing store',
    '/echo/db',
    { method: 'POST' },
    503,
    'try later',
    'echo Echo 503 Unavailable store-failed'
  ]
]

for (const [name, target, init, status, text, line] of ROWS) {
  pipeline(`${name} is answered with its row and one line`, async () => {
    const reply = await ask(target, init)
    assert.is(reply.status, status)
    assert.is(reply.text, text)
    assert.is(reply.lines.at(-1), line)
  })
}

pipeline('a body of exactly the limit passes', async () => {
  assert.is((await ask('/echo/a', { method: 'POST', body: '1234' })).status, 200)
})

pipeline('another verb names the ones there are', async () => {
  assert.is((await ask('/echo/a', { method: 'PUT' })).headers.get('allow'), 'POST')
})

pipeline('401 is followed by a hint, which --no-hints drops', async () => {
  const headers = { authorization: 'no' }
  const reply = await ask('/echo/a', { method: 'POST', headers })
  assert.is(reply.status, 401)
  assert.is(reply.headers.get('x-fogbank-hint'), 'bring a key')
  assert.ok(reply.lines.includes('echo Echo 401: bring a key'))
})

pipeline('keeps the order that the vendor was seen to check in', async () => {
  const headers = { authorization: 'no' }
  const matchFirst = await ask('/else', { method: 'POST', headers })
  assert.is(matchFirst.status, 404)
  const authenticateFirst = await ask(
    '/else',
    { method: 'POST', headers },
    { order: ['authenticate', 'match', 'size', 'schema'] }
  )
  assert.is(authenticateFirst.status, 401)
  const malformed = await ask(
    '/echo/%zz',
    { method: 'POST', headers },
    { order: ['authenticate', 'match', 'size', 'schema'] }
  )
  assert.is(malformed.status, 401)
})

pipeline('answers ordered errors as often as asked', async () => {
  const { app, faults } = await ask('/echo/a')
  faults.order('Echo', 'Unavailable', 2)
  const post = async () => (await app.request('/echo/a', { method: 'POST' })).status
  assert.equal([await post(), await post(), await post()], [503, 503, 200])
  assert.throws(() => faults.order('Nope', 'Unavailable', 1), /operation Nope is unknown to echo/)
  assert.throws(() => faults.order('Echo', 'Nope', 1), /error Nope is unknown to echo/)
})

pipeline('answers an ordered limit with its numbers', async () => {
  const { app, faults } = await ask('/echo/a')
  faults.order('Echo', 'TooLong', 1)
  const reply = await app.request('/echo/a', { method: 'POST' })
  assert.is(await reply.text(), 'at most 3, not 4')
})

pipeline('a definition that raises a row it does not have is refused', () => {
  assert.throws(
    () =>
      definePersonality({
        name: 'x',
        operations: { Do: { raises: ['Missing'] } },
        errors
      } as unknown as PersonalityDefinition),
    /x Do raises Missing/
  )
})

pipeline("an operation's own row for a failing store goes first", async () => {
  const more = { operations: { Echo: { ...operations.Echo, unavailable: errors.Internal } } }
  const reply = await ask('/echo/db', { method: 'POST' }, more)
  assert.is(reply.status, 500)
  assert.is(reply.lines.at(-1), 'echo Echo 500 Internal store-failed')
})

pipeline.run()
