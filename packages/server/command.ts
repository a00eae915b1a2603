import { runCli } from './cli.ts'

/** Runs this process's command line, and ends the process with its exit code unless a suite runs on. */
export function main(): void {
  // Who reads what we print may stop reading, as `head` does; that is nobody's mistake.
  for (const stream of [process.stdout, process.stderr]) {
    stream.on('error', (error: NodeJS.ErrnoException) => {
      if (error.code !== 'EPIPE') throw error
    })
  }
  runCli(process.argv.slice(2)).then(
    (code) => {
      if (code !== undefined) process.exitCode = code
    },
    (error: unknown) => {
      console.error(error)
      process.exitCode = 1
    }
  )
}
