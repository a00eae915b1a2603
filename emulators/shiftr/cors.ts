import type { ShiftrCall } from './handlers.ts'

const NONE: Record<string, string> = {}
const OPEN: Record<string, string> = {
  'Access-Control-Allow-Origin': '*',
  'Access-Control-Allow-Methods': 'GET, HEAD, POST, OPTIONS',
  'Access-Control-Allow-Headers': 'Authorization, Content-Type',
  'Access-Control-Expose-Headers':
    'x-fogbank-topic, x-fogbank-qos, x-fogbank-retained, x-fogbank-seq',
  'Access-Control-Max-Age': '600'
}

/** Sketches run in browsers, on pages of any origin. */
export const corsHeaders = ({ state }: Pick<ShiftrCall, 'state'>): Record<string, string> =>
  state.cors ? OPEN : NONE
