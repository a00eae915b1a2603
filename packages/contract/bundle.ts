import { rmSync } from 'node:fs'
import { resolve } from 'node:path'

const made = new Map<string, Promise<string>>()

/** A program in one file, as it is published: all but the one package that stays outside. */
export async function bundle(entry: string, outfile: string): Promise<void> {
  // Few tests bundle anything.
  const { build } = await import('esbuild')
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    external: ['classic-level'],
    logLevel: 'error'
  })
}

/**
 * The same, made once for this run of tests: the program starts in a fraction of the time.
 *
 * Answers where it is: inside the repository, where it finds that package.
 */
export function bundleOnce(entry: string): Promise<string> {
  const known = made.get(entry)
  if (known) return known
  const outfile = resolve(import.meta.dirname, `../../dist/test-${process.pid}-${made.size}.cjs`)
  process.once('exit', () => rmSync(outfile, { force: true }))
  const bundled = bundle(entry, outfile).then(() => outfile)
  made.set(entry, bundled)
  return bundled
}
