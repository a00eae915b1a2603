import * as assert from 'uvu/assert'
import { compareContent, toBytes, toPlain, toWire } from './content.ts'
import { fill } from './match.ts'
import type { Received, TestClient } from './mqtt.ts'
import type { Run } from './runner.ts'
import type {
  ConnectStep,
  MqttCredential,
  PublishStep,
  ReceiveStep,
  SubscribeStep
} from './transcript.ts'

/** Connects as the step says; later steps find the client by its name. @throws Assertion */
export async function connect(run: Run, step: ConnectStep): Promise<void> {
  const { world, adapter, clients, names } = run
  const { credential, will, version = 5, clientId = step.client, clean, keepalive } = step
  let options: MqttCredential = { clientId, protocolVersion: version }
  if (credential !== undefined) {
    if (!adapter.mqtt) throw new Error('the adapter has no mqtt()')
    options = { ...options, ...(await adapter.mqtt(credential, world.fogbank)) }
  }
  if (clean !== undefined) options.clean = clean
  if (keepalive !== undefined) options.keepalive = keepalive
  if (step.properties) options.properties = { ...options.properties, ...step.properties }
  if (will) {
    const { topic, qos = 0, retain = false } = will
    options.will = { topic, qos, retain, payload: toBytes(will, names) ?? Buffer.alloc(0) }
  }
  const { url, ...clientOptions } = options
  const door = {
    at: step.at ?? run.fixture.personality,
    secure: step.secure ?? options.cert !== undefined,
    ...(url === undefined ? {} : { url })
  }
  const client = await world.mqtt(door, clientOptions)
  assert.is(client.connack.code, step.refused ?? 0, `CONNACK ${client.connack.code}`)
  for (const [name, value] of Object.entries(step.connack ?? {})) {
    assert.equal(client.connack.properties[name], value, `CONNACK property ${name}`)
  }
  if (step.refused === undefined) clients.set(step.client, client)
}

/** Subscribes to one filter or several and compares the SUBACK. @throws Assertion */
export async function subscribe(client: TestClient, step: SubscribeStep): Promise<void> {
  const { qos, granted } = step
  const filters = [step.filter].flat()
  const codes = client.subscribeAll(filters, qos)
  if (granted !== null) {
    return assert.equal(
      await codes,
      granted === undefined ? filters.map(() => qos) : [granted].flat()
    )
  }
  // The client gives the SUBSCRIBE up when the connection ends; only an answer to it is wrong.
  const answer = codes.then(
    (given) => assert.unreachable(`SUBACK ${given.join(', ')}`),
    () => undefined
  )
  await Promise.race([answer, client.closed()])
}

/** Publishes; resolves with the code of the acknowledgement. */
export function publish({ names }: Run, client: TestClient, step: PublishStep): Promise<number> {
  const { topic, qos, retain, properties } = step
  const options = { qos, retain, ...(properties ? { properties: toWire(properties) } : {}) }
  return client.publish(topic, toBytes(step, names) ?? Buffer.alloc(0), options)
}

/** Compares a whole message, its properties included. @throws Assertion */
export function compareMessage(run: Run, step: ReceiveStep, message: Received): void {
  const { topic, qos, retain } = message
  const context = { names: run.names, nowMs: run.world.fogbank.core.clock.now() }
  const expectedTopic = fill(step.topic, topic, context)
  assert.equal({ topic, qos, retain }, { topic: expectedTopic, qos: step.qos, retain: step.retain })
  compareContent(step, message.payload, context)
  const { subscriptionIdentifier: _ours, ...properties } = message.properties ?? {}
  const actual = toPlain(properties)
  assert.equal(actual, fill(toPlain(toWire(step.properties ?? {})), actual, context))
}
