// What a push subscription has on disk, over a SIGKILL.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startChild } from '../testing.ts'
import { createReceiver, hook } from './testing.ts'

const KEY = { authorization: 'SharedAccessKey Zm9nYmFuay1sb2NhbC1uYW1lc3BhY2Uta2V5LW9uZSE=' }

const kill = suite('azure-event-grid-namespaces push over a SIGKILL')

kill(
  'what was under way comes again, what was delivered does not, and nobody is asked twice',
  async () => {
    const dataDir = await mkdtemp(path.join(tmpdir(), 'fogbank-push-'))
    const receiver = await createReceiver()
    const topics = [{ name: 'orders', eventSubscriptions: [hook(receiver.url)] }]
    let running = await startChild(dataDir, { topics })
    try {
      receiver.react = ({ text }) => (text.includes('"hang"') ? 'hang' : { status: 200 })
      for (const id of ['done', 'hang']) {
        const reply = await fetch(`${running.url}/topics/orders:publish?api-version=2024-06-01`, {
          method: 'POST',
          headers: { ...KEY, 'content-type': 'application/cloudevents+json' },
          body: JSON.stringify({ id, source: 's', type: 't', specversion: '1.0', data: 1 })
        })
        assert.is(reply.status, 200)
        assert.is(JSON.parse((await receiver.next()).text).id, id)
      }
      await running.kill()
      receiver.shake = () => ({ status: 500 })
      receiver.react = () => ({ status: 200 })
      running = await startChild(dataDir, { topics })
      const again = await receiver.next()
      assert.is(again.method, 'POST')
      assert.is(JSON.parse(again.text).id, 'hang')
      assert.is(again.headers['aeg-delivery-count'], '0', 'what was cut short is no attempt')
      assert.equal(receiver.received, [])
    } finally {
      await running.kill()
      receiver.close()
      await rm(dataDir, { recursive: true })
    }
  }
)

kill.run()
