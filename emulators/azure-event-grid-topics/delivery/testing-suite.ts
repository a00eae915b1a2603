// A suite in a process of its own, to be killed: argv is the data folder and the configuration.
import { startFogbank } from 'fogbank'

const TOPICS = 'azure-event-grid-topics'
const [dataDir = '', config = '{}'] = process.argv.slice(2)

async function main(): Promise<void> {
  const fogbank = await startFogbank({
    only: [TOPICS],
    dataDir,
    config: JSON.parse(config) as object
  })
  process.stdout.write(`${String(fogbank.endpoints[TOPICS]!.http)}\n`)
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`)
  process.exitCode = 1
})
