import * as assert from 'uvu/assert'
import { fill, substitute, type MatchContext, type Names } from './match.ts'
import type { Content, MessageProperties } from './transcript.ts'

/** Compares bytes with what a step says of them. @throws Assertion */
export function compareContent(step: Content, actual: Buffer, context: MatchContext): void {
  if (step.base64 !== undefined) assert.is(actual.toString('base64'), step.base64)
  if (step.text !== undefined) {
    assert.is(actual.toString(), fill(step.text, actual.toString(), context))
  }
  if (step.json === undefined) return
  const json: unknown = JSON.parse(actual.toString())
  assert.equal(json, fill(step.json, json, context))
}

/** The bytes a step speaks of; undefined when it names none. */
export function toBytes(
  { json, text, base64, repeat = 1 }: Content & { repeat?: number },
  names: Names
): Buffer | undefined {
  if (base64 !== undefined) return Buffer.from(base64, 'base64')
  const written = json === undefined ? text?.repeat(repeat) : JSON.stringify(json)
  return written === undefined ? undefined : Buffer.from(substitute(written, names))
}

/** Properties as mqtt.js takes and gives them: repeated names as a list, binary data as a Buffer. */
export function toWire({ userProperties, correlationData, ...rest }: MessageProperties) {
  const wire: Record<string, unknown> = { ...rest }
  if (correlationData !== undefined) wire.correlationData = toBinary(correlationData)
  if (!userProperties) return wire
  const merged: Record<string, string | string[]> = {}
  for (const [name, value] of userProperties) {
    const earlier = merged[name]
    merged[name] = earlier === undefined ? value : [earlier, value].flat()
  }
  return { ...wire, userProperties: merged }
}

function toBinary(text: string): Buffer {
  const encoded = /^base64:(.*)$/s.exec(text)?.[1]
  return encoded === undefined ? Buffer.from(text) : Buffer.from(encoded, 'base64')
}

/** Comparable as JSON: mqtt.js' objects have no prototype, and Buffers are base64 at heart. */
export function toPlain(properties: object): Record<string, unknown> {
  return JSON.parse(JSON.stringify(properties)) as Record<string, unknown>
}
