import type { Space } from '@fogbank/core'
import type { Call, Reply } from '@fogbank/personality'
import { limits } from './limits.ts'

export interface State {
  space: Space
}

/** Publishes "hello, NAME" on `greetings/NAME`. */
export async function greet(call: Call<State>): Promise<Reply> {
  const name = call.params.name ?? ''
  limits.nameCharacters.check(name.length)
  const payload = Buffer.from(`hello, ${name}`)
  await call.state.space.publish({ topic: `greetings/${name}`, payload, qos: 0, retain: false })
  return { status: 204 }
}
