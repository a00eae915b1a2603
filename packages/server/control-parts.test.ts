// A personality's own part of the control port.
import { Hono } from 'hono'
import { SettingsError, type RunningPersonality } from '@fogbank/personality'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createControl } from './control.ts'

const parts = suite("a personality's part of the control port")

function createParts() {
  const control = new Hono()
    .get('/things/:name', (c) => c.json({ name: c.req.param('name') }))
    .put('/things/:name', () => {
      throw new SettingsError('things: there is no lamp')
    })
  return createControl({
    log: { info() {}, warn() {}, error() {} },
    running: new Map([['lab', { control } as unknown as RunningPersonality]]),
    endpoints: () => ({}),
    ca: async () => '',
    reset: async () => {},
    mint: async () => ({}),
    identity: new Hono()
  })
}

parts('is served under its id, and nothing else is', async () => {
  const app = createParts()
  const found = await app.request('/lab/things/lamp')
  assert.equal(await found.json(), { name: 'lamp' })
  const missing = await app.request('/lab/nothing')
  assert.is(missing.status, 404)
  assert.equal(await missing.json(), { error: 'GET /lab/nothing is not here' })
})

parts('are named with all the rest to whoever asks for what is not there', async () => {
  const missing = await createParts().request('/reset')
  assert.is(missing.status, 404)
  const ours = 'GET /health, GET /live, GET /endpoints, GET /ca.pem, POST /reset, POST /fail'
  assert.equal(await missing.json(), {
    error: `GET /reset is not here; there are ${ours}, POST /authority/tokens, /lab/…`
  })
})

parts('answers settings that make no sense with 400 and their sentence', async () => {
  const reply = await createParts().request('/lab/things/lamp', { method: 'PUT' })
  assert.is(reply.status, 400)
  assert.equal(await reply.json(), { error: 'things: there is no lamp' })
})

parts('is changed by no page from elsewhere', async () => {
  const reply = await createParts().request('/lab/things/lamp', {
    method: 'PUT',
    headers: { origin: 'https://example.com' }
  })
  assert.is(reply.status, 403)
})

parts.run()
