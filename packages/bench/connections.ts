import { startAedes, startOurs, type Broker } from './brokers.ts'
import { withFolder } from './folder.ts'
import { memoryOf, startMqttLoad } from './processes.ts'
import { toFigure, type Figure } from './report.ts'

const CONNECTIONS = 5_000
const ROUNDS = 5
/** Memory settles after the first collections. */
const SETTLE_MS = 2_000
const HOLD_MS = 2_500

/** A storm of connections, and what each weighs when it is idle; a fresh process for each round. */
export async function measureConnections(): Promise<Figure[]> {
  const ours: Sample[] = []
  const aedes: Sample[] = []
  for (let round = 0; round < ROUNDS; round++) {
    aedes.push(await sample((folder) => startAedes(folder)))
    ours.push(await sample(startOurs))
  }
  const of = (samples: Sample[], key: keyof Sample) => samples.map((one) => one[key])
  return [
    toFigure({
      name: `connect storm of ${CONNECTIONS}, level`,
      unit: 'connections/s',
      against: 'aedes, memory',
      ours: of(ours, 'perSecond'),
      limit: of(aedes, 'perSecond')
    }),
    toFigure({
      name: `process with ${CONNECTIONS} idle connections`,
      unit: 'MB',
      against: 'aedes, memory',
      ours: of(ours, 'mb'),
      limit: of(aedes, 'mb'),
      target: { atMost: 1.3 }
    }),
    toFigure({
      name: 'one idle connection',
      unit: 'KB',
      against: 'aedes, memory',
      ours: of(ours, 'kbEach'),
      limit: of(aedes, 'kbEach'),
      target: { atMost: 1.3 }
    })
  ]
}

interface Sample {
  perSecond: number
  mb: number
  kbEach: number
}

async function sample(start: (folder: string) => Promise<Broker>): Promise<Sample> {
  return withFolder(async (folder) => {
    const broker = await start(folder)
    try {
      await pause(SETTLE_MS)
      const before = memoryOf(broker.child)
      const job = { kind: 'storm', port: broker.port, connections: CONNECTIONS } as const
      const load = startMqttLoad({ ...job, holdMs: HOLD_MS + SETTLE_MS })
      await Promise.race([load.connected, load.result])
      await pause(SETTLE_MS)
      const mb = memoryOf(broker.child)
      const { perSecond } = await load.result
      return { perSecond, mb, kbEach: ((mb - before) * 1024) / CONNECTIONS }
    } finally {
      await broker.stop()
    }
  })
}

const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, ms))
