import { defineOperations } from '@fogbank/personality'
import type { State } from '../state.ts'
import { connectClient, connectClientByQuery, requestClient } from './connect-client.ts'

const PROTOCOLS = 'https://learn.microsoft.com/azure/azure-web-pubsub/concept-client-protocols'
const EMULATOR = 'https://github.com/Azure/azure-webpubsub/tree/main/tools/emulator'
const CLIENT_SPEC =
  'https://github.com/Azure/azure-webpubsub/blob/main/protocols/client/client-spec.md'

/** Where WebSocket clients come in; the vendor has no names for these. */
export const clientOperations = defineOperations<State>()({
  ConnectClient: {
    method: 'GET',
    path: '/client/hubs/{hub}',
    upgrade: true,
    raises: [
      'ClientHubInvalid',
      'ClientTokenMissing',
      'ClientTokenInvalid',
      'TokenGroupInvalid',
      'RawModeInvalid',
      'RawGroupInvalid',
      'RawNoEchoInvalid',
      'ConnectRejected',
      'ConnectFailed'
    ],
    handle: connectClient,
    source: PROTOCOLS
  },
  // `/client?hub=chat`, with a slash before the question mark or without.
  ConnectClientByQuery: {
    method: 'GET',
    path: '/client{rest*}',
    upgrade: true,
    raises: ['ClientHubInvalid', 'NotFound'],
    handle: connectClientByQuery,
    source: CLIENT_SPEC
  },
  RequestClient: {
    method: 'GET',
    path: '/client{rest*}',
    raises: ['UpgradeExpected', 'NotFound'],
    handle: requestClient,
    source: EMULATOR
  }
})
