// Two thousand connections in fifty groups: a send reaches exactly the members, once each.
import type { Wire } from '@fogbank/contract'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withWebPubSub } from './testing.ts'

const CONNECTIONS = 2_000
const GROUPS = 50
/** Connections that are opened at a time. */
const BATCH = 100

const many = suite('azure-web-pubsub, many connections')

many('a send reaches exactly the members, once each, while others come and go', () =>
  withWebPubSub({}, async ({ connect, call }) => {
    const wires: Wire[] = []
    for (let index = 0; index < CONNECTIONS; index += BATCH) {
      const batch = Array.from({ length: BATCH }, async (_, offset) => {
        const clientId = `c${index + offset}`
        const group = `g${(index + offset) % GROUPS}`
        return connect({
          claims: { 'webpubsub.group': [group] },
          packet: { clientId, keepalive: 180 }
        })
      })
      wires.push(...(await Promise.all(batch)))
    }
    // The first member of every group leaves, and the second comes to one group more, during the sends.
    const sends = Array.from({ length: GROUPS }, async (_, group) => {
      const send = (text: string) => call('POST', `groups/g${group}/:send`, { text })
      const inTurn = async () => [
        await send(`first ${group}`),
        // Behind its answer: two calls at once have no order.
        await send(`second ${group}`)
      ]
      const [sent, left, joined] = await Promise.all([
        inTurn(),
        call('DELETE', `groups/g${group}/connections/c${group}`),
        call('PUT', `groups/extra/connections/c${group + GROUPS}`)
      ])
      assert.equal(
        [...sent, left, joined].map(({ status }) => status),
        [202, 202, 204, 200]
      )
    })
    await Promise.all(sends)
    assert.is((await call('POST', ':send', { text: 'last' })).status, 202)
    for (const [index, wire] of wires.entries()) {
      const got: unknown[] = []
      for (let packet = await wire.next(); packet; packet = await wire.next()) {
        got.push(packet.payload)
        if (packet.payload === 'last') break
      }
      const group = index % GROUPS
      const own = [`first ${group}`, `second ${group}`]
      // Who leaves in between has both, one or none of them, in order.
      if (index < GROUPS) {
        assert.equal(got, [...own.filter((text) => got.includes(text)), 'last'], `c${index}`)
      } else assert.equal(got, [...own, 'last'], `c${index}`)
    }
    const listed = JSON.parse((await call('GET', 'groups/extra/connections')).body.toString()) as {
      value: unknown[]
    }
    assert.is(listed.value.length, GROUPS)
  })
)

many.run()
