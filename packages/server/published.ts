// What is published, in one bundle: the library, and the command, which is not taken in before it is run.
export * from './index.ts'

/** For fogbank.cjs, which ran it. */
export const main = async () => (await import('./command.ts')).main()
