// What `npm test` runs: uvu, and whatever uvu calls a success though nothing was tested (style.md 5).
import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import { stripVTControlCharacters } from 'node:util'
import { parse } from 'uvu/parse'

const UVU = join(import.meta.dirname, '../../node_modules/uvu/bin.js')
const OPEN = join(import.meta.dirname, 'uvu-open.ts')
const DEFAULT_LIMIT_SECONDS = 720
/** So many files share one uvu: few enough that the last one leaves no processor idle for long. */
const GROUP_FILES = 8
const MOST_PROCESSES = 4
/** From the summary to the end of the process. Whoever takes longer has left something open. */
const DEFAULT_END_SECONDS = 20
/** What is open is asked for; so long the answer may take. */
const ANSWER_MS = 1_000
const SUMMARY = /^ {2}Total: +(\d+)\n {2}Passed: +(\d+)$/m

const [
  dir = '.',
  pattern = '\\.test\\.ts$',
  limitSeconds = DEFAULT_LIMIT_SECONDS,
  processes = Math.min(availableParallelism(), MOST_PROCESSES),
  endSeconds = DEFAULT_END_SECONDS
] = process.argv.slice(2)
const timeUp = AbortSignal.timeout(Number(limitSeconds) * 1000)
const names = (await parse(dir, pattern)).suites.map(({ name }) => name)
const outcomes = await runAll(names, Number(processes))
const problems = names.length === 0 ? [`no file matches ${pattern}`] : []
problems.push(...outcomes.flatMap((outcome) => outcome.problems))
for (const problem of problems) console.error(problem)
const passed = outcomes.reduce((sum, outcome) => sum + outcome.passed, 0)
const failed = outcomes.reduce((sum, outcome) => sum + outcome.failed, problems.length)
console.log(`${passed} passed, ${failed} failed`)
process.exitCode = failed === 0 ? 0 : 1

interface Outcome {
  passed: number
  failed: number
  problems: string[]
}

/** Runs the files in as many processes at a time, or all in one. */
async function runAll(files: readonly string[], count: number): Promise<Outcome[]> {
  const size = count > 1 ? GROUP_FILES : files.length
  const waiting = Array.from({ length: Math.ceil(files.length / size) || 0 }, (_, index) =>
    files.slice(index * size, (index + 1) * size)
  )
  const outcomes: Outcome[] = []
  const work = async () => {
    for (let group = waiting.shift(); group; group = waiting.shift()) {
      outcomes.push(await runGroup(group))
    }
  }
  await Promise.all(Array.from({ length: count }, work))
  return outcomes
}

async function runGroup(files: readonly string[]): Promise<Outcome> {
  const { output, problems } = await run(files)
  const [, total = 0, passed = 0] = (SUMMARY.exec(output) ?? []).map(Number)
  problems.push(...findProblems(files, output, total))
  return { passed, failed: total - passed, problems }
}

/** Runs uvu and says what it said, of one group after the other; a run that does not end is ended. */
async function run(files: readonly string[]): Promise<{ output: string; problems: string[] }> {
  const problems: string[] = []
  const said: { by: NodeJS.WriteStream; chunk: string }[] = []
  let output = ''
  const escaped = files.map((name) => name.replace(/[.*+?^${}()|[\]\\]/g, '\\$&'))
  const args = [
    ...process.execArgv,
    '--import',
    OPEN,
    UVU,
    dir,
    `^(?:${escaped.join('|')})$`,
    ...(process.stdout.isTTY ? [] : ['--no-color'])
  ]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'pipe', 'pipe'] })
  const end = (problem: string) => {
    problems.push(problem)
    child.kill('SIGKILL')
  }
  const endInTime = () => end(`uvu was ended after ${limitSeconds} s`)
  if (timeUp.aborted) endInTime()
  timeUp.addEventListener('abort', endInTime)
  let ending: NodeJS.Timeout | undefined
  const endOpen = () => {
    child.kill('SIGUSR2')
    ending = setTimeout(() => {
      end(`uvu did not end after its last test, something is open: ${files.join(' ')}`)
      // Or whatever it has started, and which still holds them, would be waited for.
      child.stdout.destroy()
      child.stderr.destroy()
    }, ANSWER_MS)
  }
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said.push({ by: process.stdout, chunk })
    output += chunk
    if (ending || !SUMMARY.test(stripVTControlCharacters(output.slice(-1000)))) return
    ending = setTimeout(endOpen, Number(endSeconds) * 1000)
  })
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    said.push({ by: process.stderr, chunk })
  })
  const code = await new Promise((resolve) => child.once('close', resolve))
  timeUp.removeEventListener('abort', endInTime)
  clearTimeout(ending)
  for (const { by, chunk } of said) by.write(chunk)
  output = stripVTControlCharacters(output)
  const counted = SUMMARY.exec(output)
  if (problems.length === 0 && !counted) problems.push(`uvu ended with ${code} and no summary`)
  if (problems.length === 0 && counted?.[1] === counted?.[2] && code !== 0) {
    problems.push(`uvu ended with ${code} though every test passed`)
  }
  return { output, problems }
}

/** The files that are there but were not tested. */
function findProblems(files: readonly string[], output: string, total: number): string[] {
  if (total === 0) return ['no test was run']
  const lines = output.split('\n')
  const starts = files.map((name) => lines.indexOf(name))
  return files.flatMap((name, index) => {
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
