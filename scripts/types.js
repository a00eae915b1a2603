// Rolls the types of `startFogbank` up into one file that needs no other package.
import { readFileSync } from 'node:fs'
import { rollup } from 'rollup'
import { dts } from 'rollup-plugin-dts'

// The library of TypeScript that has Symbol.asyncDispose.
const BANNER = '/// <reference lib="esnext.disposable" />'

/** @throws Error when a type of somebody else's is part of ours */
export async function writeTypes(file) {
  const { dependencies } = JSON.parse(readFileSync('packages/server/package.json', 'utf8'))
  const ours = Object.keys(dependencies).filter((name) => name.startsWith('@fogbank/'))
  const bundle = await rollup({
    input: 'packages/server/index.ts',
    external: /^node:/,
    plugins: [dts({ includeExternal: ours, compilerOptions: { stripInternal: true } })]
  })
  const { output } = await bundle.write({ file, format: 'es', banner: BANNER })
  const [{ imports, code }] = output
  if (imports.length > 0) throw new Error(`the types need ${imports.join(', ')}`)
  const foreign = /\b(Buffer|NodeJS)\b/.exec(code.replace(/\/\*.*?\*\//gs, ''))
  if (foreign) throw new Error(`the types need ${foreign[0]} of @types/node`)
}
