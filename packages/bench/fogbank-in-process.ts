// One start of a suite in a process that has done nothing but import it; arguments are the ids for `only`.
import { startFogbank } from 'fogbank'

async function measure(): Promise<void> {
  const only = process.argv.slice(2)
  const startedAt = performance.now()
  await startFogbank(only.length > 0 ? { only } : {})
  console.log(performance.now() - startedAt)
  process.exit(0)
}

measure().catch((error) => {
  console.error(error)
  process.exit(1)
})
