// A suite in a process of its own, to be killed: argv is the data folder.
import { startFogbank } from 'fogbank'

async function main(): Promise<void> {
  const fogbank = await startFogbank({ only: ['aws-iot'], dataDir: process.argv[2] ?? '' })
  process.stdout.write(`${String(fogbank.endpoints['aws-iot']!.http)}\n`)
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`)
  process.exitCode = 1
})
