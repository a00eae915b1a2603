import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createCore, createManualClock, systemIds } from '@fogbank/core'
import { startPersonality, type PersonalityContext } from '@fogbank/personality'
import { hello } from './index.ts'

const greeting = suite('_hello Greet')

async function withHello(run: (context: { app: any; core: any }) => Promise<void>): Promise<void> {
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const clock = createManualClock()
  const core = await createCore({ clock, ids: systemIds, log })
  const context: PersonalityContext = {
    core,
    clock,
    ids: systemIds,
    log,
    auth: 'strict',
    settings: {},
    tokens: { verify: async () => ({ fault: 'malformed' as const }) },
    hints: true
  }
  const personality = await startPersonality(hello, context)
  try {
    await run({ app: personality.app, core })
  } finally {
    await core.close()
  }
}

greeting('publishes under the name', () =>
  withHello(async ({ app, core }) => {
    const seen: string[] = []
    const space = await core.space('main')
    space.listen({ published: (p: any) => seen.push(`${p.message.topic} ${p.message.payload}`) })
    const reply = await app.request('/greetings/ada', { method: 'POST' })
    assert.is(reply.status, 204)
    assert.equal(seen, ['greetings/ada hello, ada'])
  })
)

greeting('takes a name of 20 characters and refuses one of 21', () =>
  withHello(async ({ app }) => {
    const atLimit = await app.request(`/greetings/${'a'.repeat(20)}`, { method: 'POST' })
    assert.is(atLimit.status, 204)
    const reply = await app.request(`/greetings/${'a'.repeat(21)}`, { method: 'POST' })
    assert.is(reply.status, 400)
    assert.equal(await reply.json(), {
      code: 'NameTooLong',
      message: 'a name has at most 20 characters'
    })
  })
)

greeting.run()
