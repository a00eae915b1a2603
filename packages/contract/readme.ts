import { spawn } from 'node:child_process'
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import type { Fogbank } from 'fogbank'
import { ROOT } from './fixtures.ts'
import { findPython } from './sdk/python/environment.ts'
import { withFogbank } from './with-fogbank.ts'
import { within } from './within.ts'

const BLOCK_MS = 30_000
const PORT_BASE = 4600
const AUTHORITY_OFFSET = 60
/** What a shell block may use and not every machine has. */
const TOOLS = ['curl', 'jq', 'mosquitto_pub', 'mosquitto_sub', 'openssl']

export type Language = 'js' | 'sh' | 'python'

const LANGUAGES: Record<string, Language> = {
  js: 'js',
  javascript: 'js',
  mjs: 'js',
  sh: 'sh',
  bash: 'sh',
  shell: 'sh',
  python: 'python'
}

/** A fenced block that is marked `<!-- run: name -->` on the line above. */
export interface RunnableBlock {
  name: string
  language: Language
  code: string
}

/** @throws Error for a mark without a block of a language we can run, or a name used twice */
export function readRunnableBlocks(markdown: string): RunnableBlock[] {
  const marks = [...markdown.matchAll(/^<!-- run: (.+?) -->\n+(?:```(\w+)\n([^]*?)^```$)?/gm)]
  const names = new Set<string>()
  return marks.map(([, name = '', language = '', code]) => {
    if (names.has(name)) throw new Error(`there are two runnable blocks "${name}"`)
    names.add(name)
    const known = LANGUAGES[language]
    if (code !== undefined && known) return { name, language: known, code }
    throw new Error(`no js, sh or python block follows <!-- run: ${name} -->`)
  })
}

/** A fenced block of the page and the comment right above it: `run: name`, `config: id`, `not run: reason`. */
export interface FencedBlock {
  line: number
  language: string
  /** Empty without a comment. */
  mark: string
  code: string
}

/** Every fenced block of a page, marked or not. */
export function readFencedBlocks(markdown: string): FencedBlock[] {
  const blocks = markdown.matchAll(/(?:^<!-- (.+?) -->\n+)?^```(\w*)\n([^]*?)^```$/gm)
  return [...blocks].map(({ index, 1: mark = '', 2: language = '', 3: code = '' }) => ({
    line: markdown.slice(0, index).split('\n').length,
    language,
    mark,
    code
  }))
}

/** The tools a block uses that are not on this machine. */
export function findMissingTools({ language, code }: RunnableBlock): Promise<string[]> {
  if (language === 'js') return Promise.resolve([])
  if (language === 'python') {
    return findPython().then((found) => ('reason' in found ? [found.reason] : []))
  }
  const used = TOOLS.filter((tool) => new RegExp(`\\b${tool}\\b`).test(code))
  const looks = used.map(async (tool) => {
    const { status } = await execute('sh', ['-c', `command -v ${tool}`], ROOT, {})
    return status === 0 ? [] : [tool]
  })
  return Promise.all(looks).then((missing) => missing.flat())
}

/** The text with the ports of `npm start` replaced by those of this suite. */
export function usePorts(text: string, fogbank: Fogbank): string {
  const ports = new Map<string, string>()
  const note = (id: string, offset: number) => {
    const { http, https } = fogbank.endpoints[id] ?? {}
    const url = http ?? https
    if (typeof url === 'string') ports.set(String(PORT_BASE + offset), new URL(url).port)
  }
  note('control', 0)
  note('authority', AUTHORITY_OFFSET)
  for (const [id, { definition }] of fogbank.personalities) note(id, definition.portOffset)
  return text.replace(/(?<![\w.])\d{4}(?![\w.])/g, (port) => ports.get(port) ?? port)
}

/** A suite, and an empty folder beside it: packages can be imported there, and `.fogbank` is the suite's. */
export interface Walk {
  fogbank: Fogbank
  folder: string
}

/** Starts a suite the way a newcomer does, in a folder that is gone afterwards. */
export async function withWalk(run: (walk: Walk) => Promise<void>): Promise<void> {
  const folder = mkdtempSync(join(tmpdir(), 'fogbank-readme-'))
  try {
    symlinkSync(join(ROOT, 'node_modules'), join(folder, 'node_modules'))
    await withFogbank({ tlsDir: join(folder, '.fogbank/tls') }, async ({ fogbank }) => {
      await fogbank.ca()
      await run({ fogbank, folder })
    })
  } finally {
    rmSync(folder, { recursive: true })
  }
}

/**
 * Runs a block against a suite. A curl that is answered 400 or more fails.
 * @throws Error with what the block wrote, unless it ends with 0
 */
export async function runBlock(block: RunnableBlock, { fogbank, folder }: Walk): Promise<void> {
  const tlsDir = join(folder, '.fogbank/tls')
  const ca = join(tlsDir, 'ca.pem')
  writeFileSync(join(folder, '.curlrc'), 'fail-with-body\nsilent\nshow-error\n')
  const file = join(folder, { js: 'block.mjs', sh: 'block.sh', python: 'block.py' }[block.language])
  writeFileSync(file, usePorts(block.code, fogbank))
  const [command, args] = await toCommand(block.language, file)
  const environment = {
    NODE_EXTRA_CA_CERTS: ca,
    REQUESTS_CA_BUNDLE: ca,
    CURL_HOME: folder,
    // What the command asks when no flag says more.
    FOGBANK_PORT_BASE: new URL(fogbank.endpoints.control.http).port,
    FOGBANK_TLS_DIR: tlsDir
  }
  const { status, output } = await execute(command, args, folder, environment)
  if (status !== 0) throw new Error(`block "${block.name}" ended with ${status}:\n${output}`)
}

async function toCommand(language: Language, file: string): Promise<[string, string[]]> {
  if (language === 'js') return [process.execPath, ['--import', import.meta.resolve('tsx'), file]]
  if (language === 'sh') return ['sh', ['-eu', file]]
  const found = await findPython()
  if ('reason' in found) throw new Error(found.reason)
  return [found.python, [file]]
}

async function execute(
  command: string,
  args: string[],
  cwd: string,
  environment: Record<string, string>
): Promise<{ status: number | null; output: string }> {
  const path = [join(ROOT, 'node_modules/.bin'), process.env.PATH].join(delimiter)
  const child = spawn(command, args, {
    cwd,
    env: { ...process.env, ...environment, PATH: path },
    stdio: ['ignore', 'pipe', 'pipe']
  })
  let output = ''
  child.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  child.stderr.setEncoding('utf8').on('data', (text: string) => (output += text))
  const ended = new Promise<number | null>((resolve, reject) => {
    child.once('close', resolve)
    child.once('error', reject)
  })
  try {
    return { status: await within(BLOCK_MS, ended, `the end of ${command}`), output }
  } finally {
    child.kill('SIGKILL')
  }
}
