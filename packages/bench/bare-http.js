// The limit that HTTP publishing is held against: node-server, a handler that reads the body, the same
// log line through the same library, and nothing else.
import { serve } from '@hono/node-server'
import pino from 'pino'

const log = pino(pino.destination({ dest: 1, sync: false }))

serve(
  {
    port: Number(process.argv[2]),
    hostname: '127.0.0.1',
    async fetch(request) {
      await request.arrayBuffer()
      log.info('bare Publish 204 ok')
      return new Response(null, { status: 204 })
    }
  },
  () => process.send?.('ready')
)
