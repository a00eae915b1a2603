import type { ShiftrCall } from './handlers.ts'

const NONE: Record<string, string> = {}
const ANSWER = { 'Access-Control-Allow-Origin': '*' }
const READ_ANSWER = {
  ...ANSWER,
  'Access-Control-Expose-Headers':
    'x-fogbank-topic, x-fogbank-qos, x-fogbank-retained, x-fogbank-seq'
}
const PREFLIGHT = {
  ...READ_ANSWER,
  'Access-Control-Allow-Methods': 'GET, HEAD, POST, OPTIONS',
  'Access-Control-Allow-Headers': 'Authorization, Content-Type',
  'Access-Control-Max-Age': '600'
}

/** Sketches run on pages of any origin. Each answer carries what a browser reads there, and no more. */
export function corsHeaders({ state, request }: Pick<ShiftrCall, 'state' | 'request'>) {
  if (!state.cors) return NONE
  if (request.method === 'OPTIONS') return PREFLIGHT
  return request.method === 'POST' ? ANSWER : READ_ANSWER
}
