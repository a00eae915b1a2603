// What `npm test` runs: uvu, and whatever uvu calls a success though nothing was tested (style.md 5).
import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { parse } from 'uvu/parse'

const UVU = join(import.meta.dirname, '../../node_modules/uvu/bin.js')
const DEFAULT_LIMIT_SECONDS = 480
/** From the summary to the end of the process; whoever takes longer has left something open. */
const END_MS = 10_000
const SUMMARY = /^ {2}Total: +(\d+)\n {2}Passed: +(\d+)$/m

const [dir = '.', pattern = '\\.test\\.ts$', limitSeconds = DEFAULT_LIMIT_SECONDS] =
  process.argv.slice(2)
const { suites } = await parse(dir, pattern)
const { output, problems } = await run(Number(limitSeconds))
const [, total = 0, passed = 0] = (SUMMARY.exec(output) ?? []).map(Number)
problems.push(...findProblems(output, total))
for (const problem of problems) console.error(problem)
const failed = total - passed + problems.length
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

/** Runs uvu and copies what it says; a run that does not end is ended. */
async function run(seconds: number): Promise<{ output: string; problems: string[] }> {
  const problems: string[] = []
  let output = ''
  const args = [
    ...process.execArgv,
    UVU,
    dir,
    pattern,
    ...(process.stdout.isTTY ? [] : ['--no-color'])
  ]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const end = (problem: string) => {
    problems.push(problem)
    child.kill('SIGKILL')
  }
  const limit = setTimeout(() => end(`uvu was ended after ${seconds} s`), seconds * 1000)
  let ending: NodeJS.Timeout | undefined
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    process.stdout.write(chunk)
    output += chunk
    if (ending || !SUMMARY.test(stripVTControlCharacters(output.slice(-1000)))) return
    ending = setTimeout(() => end('uvu did not end after its last test: something is open'), END_MS)
  })
  child.stderr.pipe(process.stderr, { end: false })
  const code = await new Promise((resolve) => child.once('close', resolve))
  clearTimeout(limit)
  clearTimeout(ending)
  output = stripVTControlCharacters(output)
  const counted = SUMMARY.exec(output)
  if (problems.length === 0 && !counted) problems.push(`uvu ended with ${code} and no summary`)
  if (problems.length === 0 && counted?.[1] === counted?.[2] && code !== 0) {
    problems.push(`uvu ended with ${code} though every test passed`)
  }
  return { output, problems }
}

/** The files that are there but were not tested. */
function findProblems(output: string, total: number): string[] {
  if (suites.length === 0) return [`no file matches ${pattern}`]
  if (total === 0) return ['no test was run']
  const lines = output.split('\n')
  const starts = suites.map(({ name }) => lines.indexOf(name))
  return suites.flatMap(({ name }, index) => {
    const start = starts[index]!
    if (start < 0) return [`${name} was not run`]
    const end = starts.find((other) => other > start) ?? lines.length
    const counts = lines
      .slice(start, end)
      .join('\n')
      .matchAll(/\((\d+) \/ (\d+)\)/g)
    const tests = [...counts].reduce((sum, [, , count]) => sum + Number(count), 0)
    return tests > 0 ? [] : [`${name} ran no test: is .run() missing?`]
  })
}
