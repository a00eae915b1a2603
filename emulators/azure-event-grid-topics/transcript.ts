import type { TranscriptAdapter } from '@fogbank/contract'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'

/** How the transcripts under fixtures/azure-event-grid-topics prove who they are. */
export const adapter: TranscriptAdapter = {
  async credential(name) {
    if (name === 'key1') return { headers: { 'aeg-sas-key': DEVELOPMENT_KEYS.topicKey1 } }
    throw new Error(`azure-event-grid-topics has no credential ${name}`)
  }
}
