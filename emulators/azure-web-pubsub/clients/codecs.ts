import type { HubMessage } from '../message.ts'
import { jsonCodec } from './json.ts'
import { loadProtobufCodec } from './protobuf.ts'
import type { Codec, Frame } from './requests.ts'

/** A subprotocol of the service's own. */
export interface Subprotocol {
  isReliable: boolean
  load(): Promise<Codec>
}

/** The subprotocols that a client can offer. */
export interface Subprotocols {
  get(name: string): Subprotocol | undefined
  /** The first of those offered that is one of ours. */
  choose(offered: readonly string[]): string | undefined
}

export function createSubprotocols(): Subprotocols {
  let protobuf: Promise<Codec> | undefined
  const json = Promise.resolve(writeOnce(jsonCodec))
  const loadJson = () => json
  const loadProtobuf = () => (protobuf ??= loadProtobufCodec().then(writeOnce))
  const known = new Map<string, Subprotocol>([
    ['json.webpubsub.azure.v1', { isReliable: false, load: loadJson }],
    ['json.reliable.webpubsub.azure.v1', { isReliable: true, load: loadJson }],
    ['protobuf.webpubsub.azure.v1', { isReliable: false, load: loadProtobuf }],
    ['protobuf.reliable.webpubsub.azure.v1', { isReliable: true, load: loadProtobuf }]
  ])
  return {
    get: (name) => known.get(name),
    choose: (offered) => offered.find((name) => known.has(name))
  }
}

/** The members of a group are sent the same message object: without a number, its frame is the same too. */
function writeOnce(codec: Codec): Codec {
  const frames = new WeakMap<HubMessage, Frame>()
  return {
    ...codec,
    message(message, sequenceId) {
      if (sequenceId !== undefined) return codec.message(message, sequenceId)
      const known = frames.get(message)
      if (known !== undefined) return known
      const frame = codec.message(message)
      frames.set(message, frame)
      return frame
    }
  }
}
