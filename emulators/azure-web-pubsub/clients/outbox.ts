import { clientLimits } from './limits.ts'
import type { Frame } from './requests.ts'

/** What a reliable connection was sent and has not confirmed yet. */
export interface Outbox {
  /**
   * Numbers a message and keeps it until it is confirmed.
   * @throws ProviderError ReliableBufferFull
   */
  add(write: (sequenceId: bigint) => Frame): Frame
  /** The client has everything up to this number. */
  confirm(sequenceId: bigint): void
  /** In the order of their numbers. */
  unconfirmed(): Iterable<Frame>
}

export function createOutbox(): Outbox {
  const frames = new Map<bigint, Frame>()
  let last = 0n
  let bytes = 0
  return {
    add(write) {
      clientLimits.reliableMessages.check(frames.size + 1)
      const frame = write(last + 1n)
      clientLimits.reliableBytes.check(bytes + Buffer.byteLength(frame))
      last++
      bytes += Buffer.byteLength(frame)
      frames.set(last, frame)
      return frame
    },
    confirm(sequenceId) {
      for (const [id, frame] of frames) {
        if (id > sequenceId) return
        frames.delete(id)
        bytes -= Buffer.byteLength(frame)
      }
    },
    unconfirmed: () => frames.values()
  }
}
