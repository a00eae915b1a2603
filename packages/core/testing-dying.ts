// A store that fails after so many writes, as a process leaves it that was killed there, or lets them wait.
import { Level } from 'level'

interface Writer {
  _batch(...args: unknown[]): Promise<void>
  _clear(...args: unknown[]): Promise<void>
  _iterator(options: { gte?: unknown }): Reader
}
interface Reader {
  _next(...args: unknown[]): Promise<unknown>
  _nextv(...args: unknown[]): Promise<unknown>
  _all(...args: unknown[]): Promise<unknown>
}
const writer = Level.prototype as unknown as Writer
const { _batch, _clear, _iterator } = writer

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

/** Ranges of keys that begin so are read only when told to; `begun` is when somebody wants to. */
export function holdReads(prefix: string): { begun: Promise<void>; go(): void } {
  let go = () => {}
  const gate = new Promise<void>((resolve) => (go = resolve))
  let begin = () => {}
  const begun = new Promise<void>((resolve) => (begin = resolve))
  writer._iterator = function (this: unknown, options) {
    const iterator = _iterator.call(this, options)
    if (!String(options.gte).includes(prefix)) return iterator
    begin()
    const { _next, _nextv, _all } = iterator
    const held = (read: Reader['_next']) =>
      async function (this: unknown, ...args: unknown[]) {
        await gate
        return read.apply(this, args)
      }
    return Object.assign(iterator, { _next: held(_next), _nextv: held(_nextv), _all: held(_all) })
  }
  return { begun, go }
}

export const revive = () => void Object.assign(writer, { _batch, _clear, _iterator })
