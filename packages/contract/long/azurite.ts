import { execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { within } from '../within.ts'

const VERSION = '3.37.0'
const INSTALL_MS = 600_000
const START_MS = 60_000
/** 365 MB that nobody else wants: installed when wanted, and kept. */
const FOLDER = join(tmpdir(), `fogbank-azurite-${VERSION}`)

/** Azurite's well-known account. */
const ACCOUNT = 'devstoreaccount1'
const KEY =
  'Eby8vdM02xNOcqFlqUwJPLlmEtlCDXJ1OUzFT50uSRZ6IFsuFq2UVErCz4I6tq/K1SZFPTOtr/KBHBeksoGMGw=='

/** The official emulator of Azure Storage, in memory, on free ports. */
export interface Azurite {
  connectionString: string
  close(): Promise<void>
}

/** @throws Error when it cannot be installed or does not start */
export async function startAzurite(): Promise<Azurite> {
  const main = join(FOLDER, 'node_modules/azurite/dist/src/azurite.js')
  if (!existsSync(main)) install()
  const ports = ['--blobPort', '0', '--queuePort', '0', '--tablePort', '0']
  const quiet = ['--inMemoryPersistence', '--skipApiVersionCheck', '--disableTelemetry', '--silent']
  const child = spawn(process.execPath, [main, ...ports, ...quiet], {
    cwd: FOLDER,
    stdio: ['ignore', 'pipe', 'inherit']
  })
  const gone = once(child, 'exit')
  let said = ''
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => (said += chunk))
  const urlOf = (service: string) =>
    new RegExp(`${service} service is successfully listening at (\\S+)`).exec(said)?.[1]
  const ready = async () => {
    while (!urlOf('Blob') || !urlOf('Queue')) await once(child.stdout, 'data')
  }
  const died = gone.then(() => Promise.reject(new Error(`azurite did not start: ${said}`)))
  await within(START_MS, Promise.race([ready(), died]), 'the start of azurite')
  died.catch(() => {}) // it ends when it is told to
  return {
    connectionString: [
      'DefaultEndpointsProtocol=http',
      `AccountName=${ACCOUNT}`,
      `AccountKey=${KEY}`,
      `BlobEndpoint=${urlOf('Blob')}/${ACCOUNT}`,
      `QueueEndpoint=${urlOf('Queue')}/${ACCOUNT}`
    ].join(';'),
    async close() {
      child.kill('SIGTERM')
      await gone
    }
  }
}

function install(): void {
  mkdirSync(FOLDER, { recursive: true })
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel', 'error']
  execFileSync('npm', ['install', '--prefix', FOLDER, ...quiet, `azurite@${VERSION}`], {
    cwd: FOLDER,
    stdio: 'inherit',
    timeout: INSTALL_MS
  })
}
