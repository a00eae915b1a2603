// The suite in a process of its own, on a folder, so that it can be killed.
import { fork } from 'node:child_process'
import { once } from 'node:events'
import path from 'node:path'
import { within } from '@fogbank/contract/testing'

/** @param config of the personality @default none */
export async function startChild(
  dataDir: string,
  config: object = {}
): Promise<{ url: string; kill(): Promise<void> }> {
  const program = path.join(import.meta.dirname, 'testing-child.ts')
  const child = fork(program, [dataDir, JSON.stringify(config)], {
    execArgv: ['--import', 'tsx']
  })
  const [url] = (await within(20_000, once(child, 'message'), 'the address')) as [string]
  return {
    url,
    async kill() {
      const gone = once(child, 'exit')
      child.kill('SIGKILL')
      await gone
    }
  }
}
