// The suite in a process that a test can kill: tells its URL and runs until then.
import { startFogbank } from 'fogbank'

const log = { info: () => {}, warn: () => {}, error: () => {} }
const fogbank = await startFogbank({
  only: ['azure-event-grid-namespaces'],
  log,
  dataDir: process.argv[2]!,
  config: {
    'azure-event-grid-namespaces': {
      allowShortWait: true,
      ...(JSON.parse(process.argv[3] ?? '{}') as object)
    }
  }
})
process.send!(fogbank.endpoints['azure-event-grid-namespaces']!.http)
// Timers of the suite keep no process alive; the channel to the test does.
process.on('message', () => {})
