import * as assert from 'uvu/assert'
import type { HttpAnswer } from './http.ts'
import { actAsHandler, type Handler } from './handler-steps.ts'
import { compareAnswer, request, stepFitsMemory } from './http-steps.ts'
import type { Names } from './match.ts'
import type { TestClient } from './mqtt.ts'
import { compareMessage, connect, publish, subscribe } from './mqtt-steps.ts'
import type { Step, Transcript, TranscriptAdapter, WsStep } from './transcript.ts'
import type { TestSocket } from './web-socket.ts'
import { withFogbank, type World } from './with-fogbank.ts'
import { within } from './within.ts'
import { compareClose, compareFrame, openSocket, sendFrame } from './ws-steps.ts'

/** How much of the log goes with a failure. */
const LAST_LINES = 5
/** How long a line of the log may take. */
const LOG_MS = 20_000

/** A transcript and what its place in the tree says of it. */
export interface Fixture {
  /** `aws-iot/Publish/400-topic-too-long.json` */
  path: string
  personality: string
  operation: string
  status: number
  transcript: Transcript
}

/** How HTTP requests travel; MQTT always takes a socket. */
export type Over = 'memory' | 'sockets'

/** One transcript being played. */
export interface Run {
  world: World
  fixture: Fixture
  over: Over
  adapter: TranscriptAdapter
  names: Names
  clients: Map<string, TestClient>
  sockets: Map<string, TestSocket>
  handler: Handler | undefined
  answer: HttpAnswer | undefined
}

/**
 * Plays a transcript against a suite of its own and compares every answer.
 *
 * At the end the log must say that the operation, the status and the row were those of the file.
 * @throws Assertion naming the step that differs
 */
export async function runTranscript(
  fixture: Fixture,
  adapter: TranscriptAdapter,
  over: Over
): Promise<void> {
  const { personality, transcript } = fixture
  const { steps, settings, auth } = transcript
  const own = settings === undefined ? undefined : adapter.settings?.[settings]
  if (settings !== undefined && !own) throw new Error(`the adapter has no settings ${settings}`)
  const others = steps.flatMap((step) => ('at' in step && step.at ? [step.at] : []))
  const options = {
    only: [...new Set([personality, ...others.filter((at) => at !== 'control')])],
    config: own ? { [personality]: own } : {},
    ...(auth ? { auth } : {}),
    manualClock: transcript.clock === 'manual' || steps.some((step) => 'clock' in step)
  }
  await withFogbank(options, async (world) => {
    const clients = new Map<string, TestClient>()
    const sockets = new Map<string, TestSocket>()
    const run: Run = {
      world,
      fixture,
      over,
      adapter,
      names: new Map(),
      clients,
      sockets,
      handler: undefined,
      answer: undefined
    }
    try {
      for (const [index, step] of steps.entries()) await play(run, step, index)
    } finally {
      for (const socket of sockets.values()) socket.end(true)
      run.handler?.close()
    }
    checkLog(run)
  })
}

/** Whether anything of it can be said without a socket. */
export function fitsMemory({ steps }: Transcript): boolean {
  return steps.some((step) => 'http' in step && step.http === 'request' && stepFitsMemory(step))
}

async function play(run: Run, step: Step, index: number): Promise<void> {
  try {
    await act(run, step)
  } catch (error) {
    const [kind, verb] = Object.entries(step)[0]!
    if (error instanceof Error) {
      const log = run.world.lines.slice(-LAST_LINES).map((line) => `\n      ${line}`)
      error.message = `step ${index + 1} (${kind} ${verb}): ${error.message}\n    the log:${log.join('')}`
    }
    throw error
  }
}

async function act(run: Run, step: Step): Promise<void> {
  const { world, clients } = run
  if ('fail' in step) {
    const { faults } = world.fogbank.personalities.get(run.fixture.personality)!
    return faults.order(step.operation, step.error, step.times)
  }
  if ('clock' in step) return advance(run, step.seconds)
  if ('log' in step) return logSays(run, step.text)
  if ('http' in step) {
    if (step.http === 'response') return compareAnswer(run, step)
    run.answer = await request(run, step)
    return
  }
  if ('ws' in step) return actOnSocket(run, step)
  if ('handler' in step) return actAsHandler(run, step)
  if (step.mqtt === 'connect') return connect(run, step)
  const client = clients.get(step.client)
  if (!client) throw new Error(`${step.client} is not connected`)
  switch (step.mqtt) {
    case 'subscribe':
      return subscribe(client, step)
    case 'publish':
      return assert.is(await publish(run, client, step), step.reasonCode ?? 0)
    case 'receive':
      return compareMessage(run, step, await world.next(client))
    case 'nothing':
      return world.nothing(client)
    case 'disconnected':
      return assert.is(await client.closed(), step.reasonCode)
    case 'end':
      return world.end(client, step.abruptly)
  }
}

async function logSays({ world: { lines } }: Run, text: string): Promise<void> {
  const said = async () => {
    while (!lines.some((line) => line.includes(text))) {
      await new Promise<void>((resolve) => setImmediate(resolve))
    }
  }
  await within(LOG_MS, said(), `a line of the log with ${text}`)
}

/** Moves time on in steps short enough for every client to give the signs of life that it owes. */
async function advance({ world, clients }: Run, seconds: number): Promise<void> {
  const connected = () => [...clients.values()].filter(({ mqtt }) => mqtt.connected)
  for (let left = seconds; left > 0;) {
    const keepAlives = connected().map(({ keepAliveSeconds }) => keepAliveSeconds || Infinity)
    const step = Math.min(left, ...keepAlives)
    world.clock!.advance(step * 1000)
    left -= step
    await Promise.all(connected().map((client) => client.ping()))
  }
}

async function actOnSocket(run: Run, step: WsStep): Promise<void> {
  if (step.ws === 'connect') return openSocket(run, step)
  const socket = run.sockets.get(step.client)
  if (!socket) throw new Error(`${step.client} is not connected`)
  switch (step.ws) {
    case 'send':
      return sendFrame(run, socket, step)
    case 'receive':
      return compareFrame(run, socket, step)
    case 'closed':
      return compareClose(run, socket, step)
    case 'end':
      return socket.end(step.abruptly)
  }
}

/** The line of the log that names operation, status and row is the proof that the file is about them. */
function checkLog({ world, fixture }: Run): void {
  const { personality, operation, status, transcript } = fixture
  assert.equal(world.failures, [], 'the suite logged failures of its own')
  const { raises } = transcript
  const answers = transcript.steps.flatMap((step) =>
    'http' in step && step.http === 'response' ? [step.status] : []
  )
  if (answers.length === 0) {
    if (raises === undefined) return
    const refusals = world.lines.filter((line) => line.startsWith(`${personality} `))
    const isNamed = refusals.some((line) => line.split(' ')[4] === raises)
    return assert.ok(isNamed, `no refusal names ${raises}:\n${refusals.join('\n')}`)
  }
  // What matches no operation is logged under its method.
  const method = raises === undefined ? '' : '|[A-Z]+'
  const expected = new RegExp(
    `^${personality} (${operation}${method}) ${status} ${raises ?? 'ok'}( |$)`
  )
  const isNamed = world.lines.some((line) => expected.test(line))
  assert.ok(isNamed, `no line of the log fits ${expected}:\n${world.lines.join('\n')}`)
}
