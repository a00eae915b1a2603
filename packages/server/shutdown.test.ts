import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { systemClock, systemIds } from '@fogbank/core'
import { readConfiguration } from './config.ts'
import { personalities } from './personalities.ts'
import { startSuite } from './server.ts'
import { withFolder } from './testing.ts'
import { DEFAULT_TIMEOUTS } from './timeouts.ts'

const shutdown = suite('shutdown')

shutdown('closes the store though a personality fails to close, and says who it was', () =>
  withFolder(async (dataDir) => {
    const lines: string[] = []
    const note = (line: string) => void lines.push(line)
    const log = {
      info: note,
      warn: note,
      error: (error: unknown, line: string) => note(`${line}: ${String(error)}`)
    }
    const [first] = personalities
    const close = () => {
      throw new Error('no')
    }
    const definitions = [{ ...first!, close }]
    const flags = { dataDir, portBase: 0 }
    const start = () =>
      startSuite({
        definitions,
        configuration: readConfiguration(definitions, flags, {}, { config: {} }),
        clock: systemClock,
        ids: systemIds,
        log,
        timeouts: DEFAULT_TIMEOUTS,
        tlsInMemory: true
      })
    await (await start()).close()
    assert.ok(lines.includes(`${first!.name} did not close as it should: Error: no`))
    // Its folder is free again.
    await (await start()).close()
  })
)

shutdown.run()
