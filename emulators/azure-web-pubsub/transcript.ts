import type { TranscriptAdapter } from '@fogbank/contract'

/** How the transcripts under fixtures/azure-web-pubsub prove who they are. */
export const adapter: TranscriptAdapter = {}
