import {
  createManualClock,
  startFogbank,
  UsageError,
  type Fogbank,
  type StartOptions
} from 'fogbank'

const clock = createManualClock()
const options: StartOptions = { only: ['aws-iot', 'shiftr'], config: {}, auth: 'lenient', clock }

export async function publish(): Promise<string> {
  await using fogbank: Fogbank = await startFogbank(options)
  const region: string = fogbank.endpoints['aws-iot'].credentials.region
  const mqtt: string = fogbank.endpoints.shiftr.mqtt
  const variables: Record<string, string> = fogbank.env('aws-iot')
  clock.advance(1_000)
  await fogbank.reset()
  return [region, mqtt, variables.AWS_REGION].join()
}

export const isMine = (error: unknown): error is UsageError => error instanceof UsageError

// @ts-expect-error: a word that is none of the two
export const wrong: StartOptions = { auth: 'loose' }
// @ts-expect-error: what is not published
export const inner = (fogbank: Fogbank) => fogbank.core
