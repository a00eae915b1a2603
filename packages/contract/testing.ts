// For tests that start no suite of all personalities: loading this door loads none of them.
export { rejects } from './rejects.ts'
export { within } from './within.ts'
