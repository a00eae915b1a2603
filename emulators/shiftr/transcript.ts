import type { TranscriptAdapter } from '@fogbank/contract'

/** Username and password by the name a transcript uses. */
const PAIRS: Record<string, [username: string, password: string]> = {
  local: ['local', 'local'],
  public: ['public', 'public'],
  demo: ['demo', 's3cret'],
  'demo-read-only': ['demo', 'look'],
  'wrong-secret': ['demo', 'wrong'],
  'unknown-instance': ['nobody', 's3cret']
}

const demo = {
  auth: 'cloud',
  instances: [
    {
      name: 'demo',
      tokens: [
        { name: 'rw', secret: 's3cret' },
        { name: 'ro', secret: 'look', readOnly: true }
      ]
    }
  ]
}

function pairOf(name: string): [string, string] {
  const pair = PAIRS[name]
  if (!pair) throw new Error(`shiftr has no credential ${name}`)
  return pair
}

/** How the transcripts under fixtures/shiftr prove who they are, and under which settings they run. */
export const adapter: TranscriptAdapter = {
  settings: {
    desktop: { auth: 'desktop' },
    demo,
    legacy: { auth: 'desktop', legacyPaths: true },
    bare: { diagnosticHeaders: false, cors: false }
  },
  credential: async (name) => ({
    headers: {
      authorization: `Basic ${Buffer.from(pairOf(name).join(':')).toString('base64')}`
    }
  }),
  async mqtt(name) {
    const [username, password] = pairOf(name)
    return { username, password }
  }
}
