import { defineOperations } from '@fogbank/personality'
import type { State } from './state.ts'

const API =
  'https://github.com/Azure/azure-rest-api-specs/tree/main/specification/webpubsub/data-plane/WebPubSub'

export const operations = defineOperations<State>()({
  HealthApi_GetServiceStatus: {
    method: 'HEAD',
    path: '/api/health',
    raises: ['ApiVersionInvalid'],
    handle: () => ({ status: 200 }),
    source: API
  }
})
