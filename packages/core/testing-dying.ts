// A store that fails after so many writes, as a process leaves it that was killed there, or lets them wait.
import { Level } from 'level'

interface Writer {
  _batch(...args: unknown[]): Promise<void>
  _clear(...args: unknown[]): Promise<void>
}
const writer = Level.prototype as unknown as Writer
const { _batch, _clear } = writer

/** So many writes reach the disk from here on, and none after them until `revive`. */
export function dieAfter(writes: number): void {
  let left = writes
  const counted = (write: Writer['_batch']) =>
    async function (this: unknown, ...args: unknown[]) {
      if (left-- <= 0) throw new Error('the process is dead')
      await write.apply(this, args)
    }
  writer._batch = counted(_batch)
  writer._clear = counted(_clear)
}

/** Writes wait from here on; the returned function lets them go, and all that come later. */
export function holdWrites(): () => void {
  let go = () => {}
  const gate = new Promise<void>((resolve) => (go = resolve))
  const held = (write: Writer['_batch']) =>
    async function (this: unknown, ...args: unknown[]) {
      await gate
      await write.apply(this, args)
    }
  writer._batch = held(_batch)
  writer._clear = held(_clear)
  return go
}

export const revive = () => void Object.assign(writer, { _batch, _clear })
