// HTTP Publish with a registry of clients, and receive with acknowledge, against a bare handler.
import { writeFileSync } from 'node:fs'
import http from 'node:http'
import { join } from 'node:path'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { withFolder } from './folder.ts'
import type { LoadJob } from './load.ts'
import { freePort, load, serve, stop, untilAnswers } from './processes.ts'
import { toFigure, type Figure } from './report.ts'
import { PAYLOAD, toRequest } from './request.ts'

const ROUNDS = 5
const SECONDS = 3
const CONNECTIONS = 64
const EVENT_GRID_OFFSET = 20
const OID = 'back-end'
/** Events that one round receives and acknowledges, and how many are asked for at a time. */
const EVENTS = 2_000
const CONSUMERS = 16

/** So many clients in groups, ten topic spaces of ten templates, and a principal with a role on each. */
function configure(clients: number): object {
  const names = Array.from({ length: 10 }, (_, index) => `space-${index}`)
  return {
    'azure-event-grid-namespaces': {
      clients: Array.from({ length: clients }, (_, index) => ({
        name: `dev${index}`,
        attributes: { kind: index % 2 ? 'meter' : 'valve', line: `l${index % 50}` }
      })),
      clientGroups: [{ name: 'meters', query: "attributes.kind = 'meter'" }],
      topicSpaces: names.map((name, space) => ({
        name,
        topicTemplates: Array.from({ length: 10 }, (_, template) =>
          template % 2
            ? `plant/${space}/${template}/#`
            : `plant/${space}/${template}/\${client.authenticationName}`
        )
      })),
      permissionBindings: names.map((topicSpaceName) => ({
        clientGroupName: 'meters',
        topicSpaceName,
        permission: 'Publisher'
      })),
      roleAssignments: [
        ...names.map((topicSpace) => ({
          principalId: OID,
          role: 'EventGrid TopicSpaces Publisher',
          topicSpace
        })),
        { principalId: OID, role: 'EventGrid Data Contributor' }
      ]
    }
  }
}

async function publishJob(base: number): Promise<LoadJob> {
  const reply = await fetch(`http://127.0.0.1:${base}/authority/tokens`, {
    method: 'POST',
    headers: { connection: 'close' },
    body: JSON.stringify({ oid: OID })
  })
  const { access_token: token } = (await reply.json()) as { access_token: string }
  const port = base + EVENT_GRID_OFFSET
  const query = `topic=${encodeURIComponent('plant/9/9/state')}&qos=0&api-version=2025-08-01-preview`
  const headers = { Authorization: `Bearer ${token}` }
  return {
    port,
    requests: [toRequest(port, `/mqtt/messages?${query}`, headers).toString('base64')],
    connections: CONNECTIONS,
    seconds: SECONDS,
    expect: 'HTTP/1.1 204'
  }
}

const bareJob = (port: number): LoadJob => ({
  port,
  requests: [toRequest(port, '/publish', {}).toString('base64')],
  connections: CONNECTIONS,
  seconds: SECONDS,
  expect: 'HTTP/1.1 204'
})

async function perSecond(job: LoadJob): Promise<number> {
  const { bad, requestsPerSecond } = await load(job)
  if (bad > 0) throw new Error(`${bad} answers were not ${job.expect}`)
  return requestsPerSecond
}

/** Runs one job against another in turns. */
async function compare(
  ours: LoadJob,
  limit: LoadJob
): Promise<{ ours: number[]; limit: number[] }> {
  for (const job of [ours, limit]) await load({ ...job, seconds: 1 }) // warm both up
  const figures: { ours: number[]; limit: number[] } = { ours: [], limit: [] }
  for (let round = 0; round < ROUNDS; round++) {
    figures.limit.push(await perSecond(limit))
    figures.ours.push(await perSecond(ours))
  }
  return figures
}

/** A client of HTTP that keeps its connections; answers the body. */
function createCaller(port: number) {
  const agent = new http.Agent({ keepAlive: true, maxSockets: CONSUMERS })
  const headers = {
    Authorization: `SharedAccessKey ${DEVELOPMENT_KEYS.namespaceKey}`
  }
  const call = (path: string, body = '', type = 'application/json') =>
    new Promise<string>((resolve, reject) => {
      const request = http.request(
        { port, host: '127.0.0.1', method: 'POST', path, agent },
        (reply) => {
          let text = ''
          reply.setEncoding('utf8').on('data', (chunk: string) => (text += chunk))
          reply.on('end', () => {
            if (reply.statusCode! < 300) resolve(text)
            else reject(new Error(`${path}: ${reply.statusCode} ${text}`))
          })
        }
      )
      request.on('error', reject)
      for (const [name, value] of Object.entries(headers)) request.setHeader(name, value)
      request.setHeader('Content-Type', type)
      request.end(body)
    })
  return { call, close: () => agent.destroy() }
}

/** Calls a second of several callers who work off so many rounds together. */
async function measureCalls(rounds: number, callsPerRound: number, run: () => Promise<void>) {
  let left = rounds
  const startedAt = performance.now()
  const work = async () => {
    while (left-- > 0) await run()
  }
  await Promise.all(Array.from({ length: CONSUMERS }, work))
  return (rounds * callsPerRound) / ((performance.now() - startedAt) / 1000)
}

/** Single events, received and acknowledged one by one, against as many calls of the bare handler. */
async function measureSettlement(base: number, barePort: number): Promise<Figure> {
  const own = createCaller(base + EVENT_GRID_OFFSET)
  const bare = createCaller(barePort)
  const version = 'api-version=2024-06-01'
  const subscription = '/topics/default/eventsubscriptions/default'
  const event = { id: 'e', source: '/b', type: 't', specversion: '1.0', data: { text: PAYLOAD } }
  const batch = JSON.stringify(Array.from({ length: 1_000 }, () => event))
  const ours: number[] = []
  const limit: number[] = []
  try {
    for (let round = 0; round <= ROUNDS; round++) {
      const bareRate = await measureCalls(EVENTS, 2, async () => {
        await bare.call('/publish', PAYLOAD)
        await bare.call('/publish', PAYLOAD)
      })
      for (let sent = 0; sent < EVENTS; sent += 1_000) {
        const type = 'application/cloudevents-batch+json; charset=utf-8'
        await own.call(`/topics/default:publish?${version}`, batch, type)
      }
      const ownRate = await measureCalls(EVENTS, 2, async () => {
        const { value } = JSON.parse(await own.call(`${subscription}:receive?${version}`)) as {
          value: { brokerProperties: { lockToken: string } }[]
        }
        const lockTokens = value.map(({ brokerProperties }) => brokerProperties.lockToken)
        if (lockTokens.length !== 1) throw new Error('an event is missing')
        await own.call(`${subscription}:acknowledge?${version}`, JSON.stringify({ lockTokens }))
      })
      if (round === 0) continue // to warm both up
      limit.push(bareRate)
      ours.push(ownRate)
    }
  } finally {
    own.close()
    bare.close()
  }
  return toFigure({
    name: 'Event Grid receive and acknowledge of single events',
    unit: 'req/s',
    against: 'a bare handler',
    ours,
    limit,
    target: { atLeast: 0.25 }
  })
}

/** Event Grid namespaces with a registry of 10, 1,000 and 10,000 clients. */
export async function measureEventGrid(): Promise<Figure[]> {
  return withFolder(async (folder) => {
    const barePort = await freePort()
    const children = [
      serve(['packages/bench/bare-http.js', String(barePort)], join(folder, 'bare.log'))
    ]
    const start = async (clients: number): Promise<number> => {
      const base = await freePort()
      const config = join(folder, `${clients}.json`)
      writeFileSync(config, JSON.stringify(configure(clients)))
      const args = ['--port-base', String(base), '--ephemeral', '--config', config]
      children.push(serve(['dist/fogbank.cjs', 'start', ...args], join(folder, `${clients}.log`)))
      await untilAnswers(`http://127.0.0.1:${base}/health`)
      return base
    }
    try {
      await untilAnswers(`http://127.0.0.1:${barePort}/`)
      const few = await start(10)
      const some = await start(1_000)
      const many = await start(10_000)
      const publish = await compare(await publishJob(some), bareJob(barePort))
      const registry = await compare(await publishJob(many), await publishJob(few))
      return [
        toFigure({
          ...publish,
          name: 'Event Grid publish, 1,000 clients, 10 topic spaces, QoS 0, memory',
          unit: 'req/s',
          against: 'a bare handler',
          target: { atLeast: 0.45 }
        }),
        toFigure({
          ...registry,
          name: 'Event Grid publish, 10,000 clients',
          unit: 'req/s',
          against: 'the same with 10 clients',
          target: { atLeast: 0.95 }
        }),
        await measureSettlement(some, barePort)
      ]
    } finally {
      for (const child of children) await stop(child)
    }
  })
}
