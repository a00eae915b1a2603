import { startAedes, startMosquitto, startOurs, type Broker } from './brokers.ts'
import { withFolder } from './folder.ts'
import { mqttLoad } from './processes.ts'
import { toFigure, type Figure } from './report.ts'
import type { FlowJob } from './mqtt-load.ts'

const ROUNDS = 5

interface Flow {
  name: string
  qos: 0 | 1
  subscribers: number
  window: number
  /** Of bare aedes, and of mosquitto where something is promised. */
  target: { aedes: number; mosquitto?: number }
}

const FLOWS: Flow[] = [
  { name: 'QoS 0, 1:1', qos: 0, subscribers: 1, window: 1000, target: { aedes: 0.9 } },
  { name: 'QoS 1, 1:1', qos: 1, subscribers: 1, window: 1000, target: { aedes: 0.9 } },
  {
    name: 'QoS 0, 1:50',
    qos: 0,
    subscribers: 50,
    window: 20,
    target: { aedes: 0.9, mosquitto: 0.95 }
  },
  {
    name: 'QoS 1, 1:50',
    qos: 1,
    subscribers: 50,
    window: 20,
    target: { aedes: 0.9, mosquitto: 0.75 }
  }
]

function toJob(port: number, { qos, subscribers, window }: Flow, stopped = 0): FlowJob {
  const sizes = { payloadBytes: 64, warmUpMs: 700, ms: 1500 }
  return { kind: 'flow', port, qos, subscribers, stopped, window, ...sizes }
}

/** Deliveries through the plain door on level, beside bare aedes in memory and mosquitto, in turns. */
export async function measureMqtt(): Promise<Figure[]> {
  return withFolder(async (folder) => {
    const ours = await startOurs(folder)
    const aedes = await startAedes(folder)
    const mosquitto = await startMosquitto(folder)
    if (!mosquitto) console.log('mosquitto: not installed, not measured')
    const brokers = [ours, aedes, ...(mosquitto ? [mosquitto] : [])]
    try {
      const figures: Figure[] = []
      for (const flow of FLOWS) figures.push(...(await measureFlow(flow, brokers)))
      figures.push(await measureSlowReader(ours))
      return figures
    } finally {
      for (const broker of brokers) await broker.stop()
    }
  })
}

async function measureFlow(flow: Flow, brokers: Broker[]): Promise<Figure[]> {
  const rates = brokers.map((): number[] => [])
  for (let round = 0; round < ROUNDS; round++) {
    for (const [index, { port }] of brokers.entries()) {
      rates[index]!.push((await mqttLoad(toJob(port, flow))).perSecond)
    }
  }
  const [ours, aedes, mosquitto] = rates
  const { target, name } = flow
  const figures = [
    toFigure({
      name: `MQTT ${name}, level`,
      unit: 'deliveries/s',
      against: 'aedes, memory',
      ours: ours!,
      limit: aedes!,
      target: { atLeast: target.aedes }
    })
  ]
  if (!mosquitto) return figures
  const atLeast = target.mosquitto
  figures.push(
    toFigure({
      name: `MQTT ${name}, level`,
      unit: 'deliveries/s',
      against: 'mosquitto',
      ours: ours!,
      limit: mosquitto,
      ...(atLeast === undefined ? {} : { target: { atLeast } })
    })
  )
  return figures
}

/** 49 readers beside one that takes nothing; the limit is the same without it. */
async function measureSlowReader({ port }: Broker): Promise<Figure> {
  const flow: Flow = { name: '', qos: 0, subscribers: 49, window: 20, target: { aedes: 0 } }
  const beside: number[] = []
  const alone: number[] = []
  for (let round = 0; round < ROUNDS; round++) {
    alone.push((await mqttLoad(toJob(port, flow))).perSecond)
    const job = toJob(port, { ...flow, subscribers: 50 }, 1)
    beside.push((await mqttLoad(job)).perSecond)
  }
  return toFigure({
    name: '49 readers beside one that stopped reading',
    unit: 'deliveries/s',
    against: 'without it',
    ours: beside,
    limit: alone,
    target: { atLeast: 0.85 }
  })
}
