import type { Refusal } from '@fogbank/core'
import { ProviderError } from './errors.ts'

/** MQTT 5 "Implementation specific error", for rows that say nothing of MQTT. */
const IMPLEMENTATION_SPECIFIC = 0x83

/** A row of the error table as the MQTT session layer says it. */
export function toRefusal(error: ProviderError, answer?: Refusal['answer']): Refusal {
  const refusal: Refusal = {
    rule: error.key,
    reasonCode: error.row.mqtt?.reasonCode ?? IMPLEMENTATION_SPECIFIC
  }
  if (error.row.mqtt?.returnCode !== undefined) refusal.returnCode = error.row.mqtt.returnCode
  if (error.text) refusal.reasonString = error.text
  if (error.detail) refusal.detail = error.detail
  if (answer) refusal.answer = answer
  return refusal
}

/**
 * Runs the checks that HTTP uses and turns what they throw into a refusal, so that a topic that is too
 * long is too long on both doors.
 * @throws whatever is not a ProviderError: that is a bug
 */
export function refusedBy(checks: () => void, answer?: Refusal['answer']): Refusal | undefined {
  try {
    checks()
    return undefined
  } catch (error) {
    if (error instanceof ProviderError) return toRefusal(error, answer)
    throw error
  }
}
