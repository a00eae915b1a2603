import { once } from 'node:events'
import net from 'node:net'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createManualClock, systemIds, type Core } from '../index.ts'
import { createSpace } from '../space.ts'
import { openStore, type WriteOperation } from '../store.ts'
import { connectPacket, openPolicy, publish, wire } from '../testing.ts'
import { acceptMqtt } from './accept.ts'

const qos2 = suite('QoS 2 in the store')

qos2(
  'the id of a publish is committed with its message: a crash falls before both, or behind',
  async () => {
    const store = await openStore(undefined)
    const commits: string[][] = []
    const clock = createManualClock()
    const log = { info() {}, warn() {}, error: console.error }
    const recording = {
      ...store,
      commit(operations: WriteOperation[]) {
        if (operations.length > 0) commits.push(operations.map(({ key }) => key.split(':', 1)[0]!))
        return store.commit(operations)
      }
    }
    const space = await createSpace('main', {
      store: recording,
      clock,
      log,
      storeTimeoutMs: 10_000
    })
    const core = { clock, ids: systemIds, log, space: async () => space } as unknown as Core
    const server = net.createServer((socket) =>
      acceptMqtt({ core, policy: openPolicy }, socket, {
        address: '127.0.0.1',
        port: 0,
        transport: 'tcp'
      })
    )
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    const socket = net.connect((server.address() as net.AddressInfo).port, '127.0.0.1')
    const peer = wire(socket)
    try {
      peer.send(connectPacket({ properties: { sessionExpiryInterval: 60 } }))
      assert.is((await peer.next())?.cmd, 'connack')
      peer.send({ cmd: 'subscribe', messageId: 1, subscriptions: [{ topic: 'a', qos: 2 }] })
      assert.is((await peer.next())?.cmd, 'suback')
      commits.length = 0
      peer.send(publish({ qos: 2, retain: true }))
      // Whatever comes first, the message or its PUBREC: both wait for the commit.
      await peer.next()
      assert.equal(commits[0]?.sort(), ['incoming', 'queue', 'retained'])
    } finally {
      socket.destroy()
      server.close()
      await space.close()
      await store.close()
    }
  }
)

qos2.run()
