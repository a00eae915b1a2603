import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Fixture } from './runner.ts'
import type { Transcript, TranscriptAdapter } from './transcript.ts'

export const ROOT = join(import.meta.dirname, '../..')
const FIXTURES = join(ROOT, 'fixtures')
const PLACE = /^([\w-]+)\/(\w+)\/(\d{3})-[\w-]+\.json$/

/**
 * Every transcript of the tree, by path.
 * @throws Error naming a file that is not at `<personality>/<Operation>/<status>-<situation>.json`
 */
export function readFixtures(): Fixture[] {
  return readdirSync(FIXTURES, { recursive: true, encoding: 'utf8' })
    .map((path) => path.replaceAll('\\', '/'))
    .filter((path) => path.endsWith('.json') && path.includes('/'))
    .sort()
    .map((path) => {
      const place = PLACE.exec(path)
      if (!place) throw new Error(`fixtures/${path} is not named as transcripts are`)
      const [, personality = '', operation = '', status] = place
      const transcript = JSON.parse(readFileSync(join(FIXTURES, path), 'utf8')) as Transcript
      return { path, personality, operation, status: Number(status), transcript }
    })
}

/** What a personality says of its own transcripts; nothing when it has no `transcript.ts`. */
export async function readAdapter(personality: string): Promise<TranscriptAdapter> {
  const file = join(ROOT, 'emulators', personality, 'transcript.ts')
  if (!existsSync(file)) return {}
  const { adapter } = (await import(pathToFileURL(file).href)) as { adapter: TranscriptAdapter }
  return adapter
}
