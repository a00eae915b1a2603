import type { NodeHandler, RunningPersonality } from '@fogbank/personality'

/** What the answers are made of. */
export interface ReadinessDeps {
  running: ReadonlyMap<string, RunningPersonality>
  /** Everything is bound, opened and applied. */
  ready(): boolean
}

/**
 * Answers `GET /live` and `GET /health`, and leaves the rest to somebody else.
 *
 * Straight on Node's HTTP server: what asks is a supervisor, every other second and first of all, and the rest
 * takes in what else only a person's requests need.
 */
export function withReadiness({ running, ready }: ReadinessDeps, rest: NodeHandler): NodeHandler {
  const answers: Record<string, () => { status: number; body: object }> = {
    '/live': () => ({ status: 200, body: { status: 'live' } }),
    '/health': () => {
      const states = [...running.keys()].map((name) => [name, { status: 'ready' }])
      const status = ready() ? 'ready' : 'starting'
      const body = { status, personalities: Object.fromEntries(states) }
      return { status: ready() ? 200 : 503, body }
    }
  }
  return async (incoming, outgoing) => {
    const { method = '', url = '' } = incoming
    const path = url.split('?')[0]!
    if (!Object.hasOwn(answers, path) || !['GET', 'HEAD'].includes(method)) {
      return rest(incoming, outgoing)
    }
    const { status, body } = answers[path]!()
    const text = JSON.stringify(body)
    outgoing.writeHead(status, {
      'Content-Type': 'application/json',
      'Content-Length': Buffer.byteLength(text)
    })
    outgoing.end(method === 'HEAD' ? undefined : text)
  }
}
