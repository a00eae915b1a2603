import type { Call } from '@fogbank/personality'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readMetadata } from './metadata.ts'
import type { State } from './state.ts'
import { fromMetadataHeaders } from './upstream/headers.ts'

const metadata = suite('azure-web-pubsub metadata')

metadata('may be named as JavaScript names a prototype', () => {
  const headers = { 'x-webpubsub-metadata-__proto__': 'a, b', 'x-webpubsub-metadata-k': 'v' }
  const read = readMetadata({ request: { headers } } as unknown as Call<State>)
  const pairs = [
    ['__proto__', 'b'],
    ['k', 'v']
  ]
  assert.equal(Object.entries(read ?? {}), pairs)
  const lines = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, [value]]))
  assert.equal(Object.entries(fromMetadataHeaders(lines) ?? {}), pairs)
})

metadata.run()
