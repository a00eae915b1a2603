// The three flows that every language has to get through, with nothing but what `fogbank env` prints.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { SignJWT } from 'jose'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { runCommand, startSuiteProcess, withFolder } from '../long/suite.ts'
import { connectMqtt } from '../mqtt.ts'
import { connectWebSocket } from '../web-socket.ts'
import { buildGo, GO_PROGRAM, missingGo } from './go/environment.ts'
import { javaCommand, missingJava, prepareJava } from './java/environment.ts'
import { findPython, PYTHON } from './python/environment.ts'

const PROGRAM_MS = 120_000
const { namespaceKey, webPubSubKey } = DEVELOPMENT_KEYS

/** How the program of one language is come by, and what runs it. */
export interface Language {
  name: string
  /** What is missing to run it, as a reason to leave it out; undefined when nothing is. */
  missing(): Promise<string | undefined>
  /** Builds the program, before the first of its runs. */
  prepare(): Promise<void>
  /**
   * Executable and arguments, to which the text is added that has to arrive.
   *
   * The program reads nothing but its environment. It sends the text to topic `flows/line1` by Publish
   * of AWS IoT, as `data.text` of an event to namespace topic `default`, and to everybody of Web PubSub
   * hub `flows`; after each it prints one line, `{"flow":"<id of the personality>"}`.
   */
  command: string[]
}

const inThisFolder = (name: string) => join(import.meta.dirname, name)

export const LANGUAGES: Language[] = [
  {
    name: 'JavaScript',
    missing: () => Promise.resolve(undefined),
    prepare: () => Promise.resolve(),
    command: [
      process.execPath,
      '--import',
      import.meta.resolve('tsx'),
      inThisFolder('flows-client.ts')
    ]
  },
  {
    name: 'Python',
    async missing() {
      const found = await findPython()
      return 'reason' in found ? found.reason : undefined
    },
    prepare: () => Promise.resolve(),
    command: [PYTHON, inThisFolder('python/flows.py')]
  },
  { name: 'Go', missing: missingGo, prepare: buildGo, command: [GO_PROGRAM, 'flows'] },
  {
    name: 'Java',
    missing: missingJava,
    prepare: prepareJava,
    command: javaCommand('Flows')
  }
]

/** What a program printed, what arrived by each flow, and what it was given to go by. */
export interface Flows {
  told: unknown[]
  arrived: Record<string, string>
  variables: Record<string, string>
  /** Errors that the suite logged. */
  problems: string[]
}

/** Runs a program against a suite of its own, with certificates of its own, and listens on all ends. */
export function runFlows({ command: [file, ...args] }: Language, message: string): Promise<Flows> {
  return withFolder(async (folder) => {
    const suite = await startSuiteProcess(folder, { dataDir: join(folder, 'data') })
    try {
      const { ports, problems } = suite
      const control = ['--port-base', String(ports.control)]
      const printed = await runCommand(folder, ['env', '--all', '--format', 'json', ...control])
      const variables = JSON.parse(printed) as Record<string, string>
      const ears = [await hearAws(ports), await hearNamespace(ports), await hearWebPubSub(ports)]
      const { PATH = '', HOME = '' } = process.env
      const { stdout } = await promisify(execFile)(file!, [...args, message], {
        cwd: folder,
        env: { ...variables, PATH, HOME },
        timeout: PROGRAM_MS
      })
      const arrived: Record<string, string> = {}
      for (const { id, next } of ears) arrived[id] = await next()
      for (const { end } of ears) await end()
      const told = stdout.trimEnd().split('\n')
      return { told: told.map((line) => JSON.parse(line) as unknown), arrived, variables, problems }
    } finally {
      await suite.kill()
    }
  })
}

/** Whoever listens at the other end of a flow. */
interface Ear {
  /** The personality. */
  id: string
  /** The text that came. */
  next(): Promise<string>
  end(): Promise<void>
}

type Ports = Record<string, number>

async function hearAws(ports: Ports): Promise<Ear> {
  const id = 'aws-iot'
  const credentials = { username: 'test', password: 'test' }
  const client = await connectMqtt(`mqtt://127.0.0.1:${ports[id]}`, {
    clientId: 'flows',
    ...credentials
  })
  await client.subscribe('flows/line1', 1)
  return {
    id,
    next: async () => (await client.next()).payload.toString(),
    end: () => client.end()
  }
}

/** Its subscription keeps events until somebody asks. */
function hearNamespace(ports: Ports): Promise<Ear> {
  const id = 'azure-event-grid-namespaces'
  const path = '/topics/default/eventsubscriptions/default:receive'
  const url = `http://127.0.0.1:${ports[id]}${path}?api-version=2024-06-01&maxWaitTime=10`
  return Promise.resolve({
    id,
    async next() {
      const headers = { authorization: `SharedAccessKey ${namespaceKey}` }
      const reply = await fetch(url, { method: 'POST', headers })
      const { value } = (await reply.json()) as { value: { event: { data: { text: string } } }[] }
      return value[0]?.event.data.text ?? 'no event'
    },
    end: () => Promise.resolve()
  })
}

async function hearWebPubSub(ports: Ports): Promise<Ear> {
  const id = 'azure-web-pubsub'
  const target = `127.0.0.1:${ports[id]}/client/hubs/flows`
  const token = await new SignJWT({ aud: `http://${target}`, sub: 'listener' })
    .setProtectedHeader({ alg: 'HS256' })
    .setExpirationTime('1h')
    .sign(Buffer.from(webPubSubKey))
  const socket = await connectWebSocket(`ws://${target}?access_token=${token}`, {
    subprotocols: [],
    headers: {}
  })
  return {
    id,
    next: async () => (await socket.next()).data.toString(),
    end: () => Promise.resolve(socket.end())
  }
}
