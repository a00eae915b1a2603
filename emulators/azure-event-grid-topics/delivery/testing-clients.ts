// What a start says, to be bundled into a folder where no client is: argv is a list of configurations.
import { startFogbank } from 'fogbank'

const configs = JSON.parse(process.argv[2] ?? '[]') as object[]

async function main(): Promise<void> {
  for (const config of configs) {
    const said = await startFogbank({ only: ['azure-event-grid-topics'], config }).then(
      (fogbank) => fogbank.close().then(() => 'started'),
      (error: Error) => error.message
    )
    process.stdout.write(`${said}\n`)
  }
}

main().catch((error: unknown) => {
  process.stderr.write(`${String(error)}\n`)
  process.exitCode = 1
})
