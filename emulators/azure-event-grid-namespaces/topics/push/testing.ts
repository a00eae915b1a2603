// A receiver as somebody's function would be one, and a namespace whose subscription pushes to it.
import { once } from 'node:events'
import http from 'node:http'
import type { AddressInfo } from 'node:net'
import { createQueue, logged } from '@fogbank/contract/testing'
import { withNamespace, type World } from '../../testing.ts'
import type { EventSubscriptionSettings } from '../settings.ts'

const KEY = { authorization: 'SharedAccessKey Zm9nYmFuay1sb2NhbC1uYW1lc3BhY2Uta2V5LW9uZSE=' }
const V = 'api-version=2024-06-01'
const TIME = /^2026-/

/** One request as it came off the wire; header names in lower case. */
export interface Received {
  method: string
  url: string
  headers: Record<string, string>
  text: string
}

/** hang: no answer, ever; reset: the connection is cut. */
export type Reaction = { status: number; headers?: Record<string, string> } | 'hang' | 'reset'

export interface Receiver {
  url: string
  /** What has come and was not taken yet: deliveries, and handshakes if they are not answered here. */
  received: Received[]
  react(request: Received): Reaction
  /** Answers handshakes; undefined: as a web hook that agrees, without showing it. */
  shake: ((request: Received) => Reaction) | undefined
  next(): Promise<Received>
  close(): void
}

export const AGREES = { status: 200, headers: { 'WebHook-Allowed-Origin': 'eventgrid.azure.net' } }

export async function createReceiver(): Promise<Receiver> {
  const requests = createQueue<Received>()
  const server = http.createServer(async (incoming, outgoing) => {
    const chunks: Buffer[] = []
    for await (const chunk of incoming) chunks.push(chunk as Buffer)
    const request: Received = {
      method: incoming.method ?? '',
      url: incoming.url ?? '',
      headers: incoming.headers as Record<string, string>,
      text: Buffer.concat(chunks).toString()
    }
    const isAgreed = request.method === 'OPTIONS' && !receiver.shake
    const answer = request.method === 'OPTIONS' ? receiver.shake : receiver.react
    const reaction = isAgreed ? AGREES : answer!(request)
    if (!isAgreed) requests.put(request)
    if (reaction === 'hang') return
    if (reaction === 'reset') return void incoming.socket.destroy()
    outgoing.writeHead(reaction.status, reaction.headers).end()
  })
  await once(server.listen(0, '127.0.0.1'), 'listening')
  const receiver: Receiver = {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/hook`,
    received: requests.waiting,
    react: () => ({ status: 200 }),
    shake: undefined,
    next: () => requests.next(20_000, 'a request to the receiver'),
    close() {
      server.close()
      server.closeAllConnections()
    }
  }
  return receiver
}

/** A push subscription of the topic `orders`. */
export const hook = (endpointUrl: string, push: object = {}, properties: object = {}) =>
  ({
    name: 'hook',
    deliveryConfiguration: {
      deliveryMode: 'Push',
      push: {
        destination: { endpointType: 'WebHook', properties: { endpointUrl, ...properties } },
        ...push
      }
    }
  }) satisfies EventSubscriptionSettings

export const DEAD_LETTERS = {
  deadLetterDestinationWithResourceIdentity: {
    deadLetterDestination: { endpointType: 'StorageBlob' as const }
  }
}

export interface PushWorld extends World {
  receiver: Receiver
  /** Publishes events of these ids. */
  publishIds(...ids: string[]): Promise<void>
  /** Resolves with the first line of the log that fits. */
  logged(pattern: RegExp, count?: number): Promise<string>
  /** Reason, attempts and ids of the dead letters. */
  deadLetters(): Promise<unknown[]>
  /** Opens the ports, as far as the subscriptions can tell. */
  start(): void
}

/** Runs a test against a namespace with the subscriptions on its topic `orders`; the ports are open. */
export async function withPush(
  toSubscriptions: (url: string) => EventSubscriptionSettings[],
  run: (world: PushWorld) => Promise<void>,
  { started = true } = {}
): Promise<void> {
  const receiver = await createReceiver()
  const topics = [{ name: 'orders', eventSubscriptions: toSubscriptions(receiver.url) }]
  try {
    await withNamespace({ settings: { topics } }, async (world) => {
      const own: PushWorld = {
        ...world,
        receiver,
        async publishIds(...ids) {
          const events = ids.map((id) => ({ ...{ id, source: 's', type: 't' }, ...REST, data: id }))
          const headers = { ...KEY, 'content-type': 'application/cloudevents-batch+json' }
          const target = `/topics/orders:publish?${V}`
          const answer = await world.send({ target, headers, body: JSON.stringify(events) })
          if (answer.status !== 200) throw new Error(answer.text)
        },
        logged: (pattern, count) => logged(world.lines, pattern, 20_000, count),
        async deadLetters() {
          const { body } = await world.control(
            'GET',
            '/namespaces/default/topics/orders/eventSubscriptions/hook/deadLetters'
          )
          return body.value.map(({ content: [{ event, deadletterProperties: about }] }: any) => {
            if (!TIME.test(about.deliveryattemptutc)) throw new Error(JSON.stringify(about))
            return [event.id, about.deadletterreason, about.deliveryattempts, about.deliveryresult]
          })
        },
        start: () => world.running.started('http://127.0.0.1:4620')
      }
      if (started) own.start()
      await run(own)
    })
  } finally {
    receiver.close()
  }
}

const REST = { specversion: '1.0' }
