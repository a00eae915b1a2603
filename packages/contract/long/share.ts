// How much of the long tests is run, and from which seed: `LONG_SHARE=0.1 LONG_SEED=7 npm run test:long`.

/** 1 is the whole of it; `.ci/run` takes a tenth. */
const share = Number(process.env.LONG_SHARE ?? 1)
if (!(share > 0 && share <= 1)) {
  throw new Error(`LONG_SHARE=${process.env.LONG_SHARE}: give a number above 0, at most 1`)
}

/** The part of a full count that is run; never nothing. */
export const shareOf = (full: number): number => Math.max(1, Math.round(full * share))

/** Numbers that look random and come again with the same seed. */
export interface Random {
  /** From 0 up to, without, `below`. */
  integer(below: number): number
  pick<T>(values: readonly T[]): T
  /** True once in `n`. */
  oneIn(n: number): boolean
  bytes(length: number): Buffer
}

/** Says its seed, so that a failure can be had again with `LONG_SEED`. */
export function announceSeed(what: string): { seed: number; random: Random } {
  const given = process.env.LONG_SEED
  const seed = given === undefined ? (Date.now() ^ (process.pid << 12)) >>> 0 : Number(given) >>> 0
  console.log(`\n   ${what}: LONG_SEED=${seed}`)
  return { seed, random: createRandom(seed) }
}

/** mulberry32: small, fast, good enough to pick test inputs. */
export function createRandom(seed: number): Random {
  let state = seed >>> 0
  function next(): number {
    state = (state + 0x6d2b79f5) >>> 0
    let mixed = Math.imul(state ^ (state >>> 15), state | 1)
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61)
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32
  }
  const integer = (below: number) => Math.floor(next() * below)
  return {
    integer,
    pick: (values) => values[integer(values.length)]!,
    oneIn: (n) => integer(n) === 0,
    bytes: (length) => Buffer.from(Array.from({ length }, () => integer(256)))
  }
}
