import { defineLimits } from '@fogbank/personality'
import { clientErrors } from './errors.ts'

const DOCS = 'https://learn.microsoft.com/azure/azure-web-pubsub'
const EMULATOR = 'https://github.com/Azure/azure-webpubsub/tree/main/tools/emulator'
const CLIENT_SPEC =
  'https://github.com/Azure/azure-webpubsub/blob/main/protocols/client/client-spec.md'

export const clientLimits = defineLimits(clientErrors, {
  clientMessageBytes: {
    value: 1024 * 1024,
    unit: 'bytes',
    raises: 'ClientMessageTooLarge',
    source: `${DOCS}/key-concepts`,
    evidence: 'documented'
  },
  reliableMessages: {
    value: 1000,
    unit: 'messages that the client has not confirmed',
    raises: 'ReliableBufferFull',
    source: CLIENT_SPEC,
    evidence: 'documented'
  },
  reliableBytes: {
    value: 16 * 1024 * 1024,
    unit: 'bytes that the client has not confirmed',
    raises: 'ReliableBufferFull',
    source: CLIENT_SPEC,
    evidence: 'documented'
  },
  outboundBytes: {
    value: 16 * 1024 * 1024,
    unit: 'bytes that the client has not read',
    raises: 'OutboundQueueFull',
    source: EMULATOR,
    evidence: 'recorded'
  },
  pendingInvocations: {
    value: 100,
    unit: 'invocations without an answer yet, of one connection',
    raises: 'InvocationFailed',
    source: 'ours, to keep memory bounded',
    evidence: 'assumed'
  }
})

/** How many acknowledged ids of a connection are remembered. Source: Microsoft's emulator. */
export const REMEMBERED_ACK_IDS = 1000

/** How long a reliable connection waits for its client. Source: client-spec.md, "at least 30 seconds". */
export const RECOVERY_MS = 30_000

/** Life of a reconnection token. Source: client-spec.md, "~ 1 week". */
export const RECONNECTION_TOKEN_SECONDS = 7 * 24 * 60 * 60
