// Two starts of a suite in a process that has done nothing but import it; arguments are the ids for `only`.
import { startFogbank } from 'fogbank'

async function start(only: string[]): Promise<number> {
  const startedAt = performance.now()
  await startFogbank(only.length > 0 ? { only } : {})
  return performance.now() - startedAt
}

async function measure(): Promise<void> {
  const only = process.argv.slice(2)
  const first = await start(only)
  console.log(JSON.stringify({ first, second: await start(only) }))
  process.exit(0)
}

measure().catch((error) => {
  console.error(error)
  process.exit(1)
})
