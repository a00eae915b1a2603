import { timingSafeEqual } from 'node:crypto'

/** Whether both are the same, in a time that does not tell where they differ; their length is no secret. */
export function isSameSecret(one: string | Buffer, other: string | Buffer): boolean {
  const [own, given] = [Buffer.from(one), Buffer.from(other)]
  return own.length === given.length && timingSafeEqual(own, given)
}
