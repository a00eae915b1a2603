/** Values in the order they came. */
export interface Fifo<Value> {
  readonly size: number
  push(value: Value): void
  peek(): Value | undefined
  shift(): Value | undefined
  /** In front of all others. */
  putBack(values: readonly Value[]): void
}

/** Taking out costs the same however long it is, which an array does not promise. */
export function createFifo<Value>(): Fifo<Value> {
  let values: Value[] = []
  let head = 0
  return {
    get size() {
      return values.length - head
    },
    push: (value) => void values.push(value),
    peek: () => values[head],
    shift() {
      if (head >= values.length) return undefined
      const value = values[head++]
      if (head * 2 > values.length) {
        values = values.slice(head)
        head = 0
      }
      return value
    },
    putBack(back) {
      values = [...back, ...values.slice(head)]
      head = 0
    }
  }
}

/** Values of which the one with the smallest rank comes out first. */
export interface Heap<Value> {
  push(value: Value): void
  peek(): Value | undefined
  pop(): Value | undefined
}

/** A binary heap; a rank must not change while its value is in it. */
export function createHeap<Value>(rank: (value: Value) => number): Heap<Value> {
  const values: Value[] = []
  const isBefore = (one: number, other: number) => rank(values[one]!) < rank(values[other]!)

  function swap(one: number, other: number): void {
    const value = values[one]!
    values[one] = values[other]!
    values[other] = value
  }

  return {
    push(value) {
      let at = values.push(value) - 1
      for (;;) {
        const parent = (at - 1) >> 1
        if (at === 0 || !isBefore(at, parent)) return
        swap(at, parent)
        at = parent
      }
    },
    peek: () => values[0],
    pop() {
      const first = values[0]
      const last = values.pop()
      if (values.length === 0 || last === undefined) return first
      values[0] = last
      let at = 0
      for (;;) {
        const left = 2 * at + 1
        if (left >= values.length) return first
        const right = left + 1
        const child = right < values.length && isBefore(right, left) ? right : left
        if (!isBefore(child, at)) return first
        swap(at, child)
        at = child
      }
    }
  }
}
