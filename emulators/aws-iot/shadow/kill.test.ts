// What was answered 200 is there, though the process dies in the middle of 200 updates.
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import {
  DeleteThingShadowCommand,
  GetThingShadowCommand,
  IoTDataPlaneClient,
  UpdateThingShadowCommand
} from '@aws-sdk/client-iot-data-plane'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { within } from '@fogbank/contract/testing'

const UPDATES = 200
const KILL_AFTER = 100

async function start(folder: string) {
  const args = ['--import', 'tsx', join(import.meta.dirname, 'testing-suite.ts'), folder]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'inherit'] })
  const first = once(createInterface({ input: child.stdout }), 'line') as Promise<[string]>
  const [endpoint] = await within(30_000, first, 'the endpoint')
  const credentials = { accessKeyId: 'test', secretAccessKey: 'test' }
  const sdk = new IoTDataPlaneClient({ endpoint, region: 'us-east-1', credentials, maxAttempts: 1 })
  return {
    sdk,
    async kill() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
      sdk.destroy()
    }
  }
}

const killing = suite('aws-iot shadows over a SIGKILL')

killing('every accepted update is kept, and the version of a deleted shadow', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'fogbank-shadows-'))
  const accepted: number[] = []
  try {
    const before = await start(folder)
    const set = (thingName: string, reported: object) =>
      before.sdk.send(
        new UpdateThingShadowCommand({
          thingName,
          payload: JSON.stringify({ state: { reported } })
        })
      )
    await set('gone', { a: 1 })
    await before.sdk.send(new DeleteThingShadowCommand({ thingName: 'gone' }))
    let killed: Promise<void> | undefined
    const updates = Array.from({ length: UPDATES }, async (_, i) => {
      try {
        await set('lamp', { [`k${i}`]: i })
        accepted.push(i)
      } catch {
        return // killed in the middle: not acknowledged
      }
      if (accepted.length === KILL_AFTER) killed = before.kill()
    })
    await Promise.all(updates)
    assert.ok(killed, `only ${accepted.length} were accepted`)
    await killed
    const after = await start(folder)
    const { payload } = await after.sdk.send(new GetThingShadowCommand({ thingName: 'lamp' }))
    const { state, version } = JSON.parse(payload!.transformToString())
    for (const i of accepted) assert.is(state.reported[`k${i}`], i)
    assert.is(version, Object.keys(state.reported).length)
    const created = await after.sdk.send(
      new UpdateThingShadowCommand({ thingName: 'gone', payload: '{"state":{}}' })
    )
    assert.is(JSON.parse(created.payload!.transformToString()).version, 2)
    await after.kill()
  } finally {
    rmSync(folder, { recursive: true, force: true })
  }
})

killing.run()
