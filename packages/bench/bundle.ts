import { parse, resolve } from 'node:path'
import { build } from 'esbuild'

/** A program in one file, as the package is bundled; answers where. @param outfile @default in dist, under its own name */
export async function bundle(
  entry: string,
  outfile = resolve('dist', `${parse(entry).name}.cjs`)
): Promise<string> {
  await build({
    entryPoints: [entry],
    outfile,
    bundle: true,
    platform: 'node',
    target: 'node20',
    format: 'cjs',
    external: ['classic-level'],
    logLevel: 'warning'
  })
  return outfile
}
