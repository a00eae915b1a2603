import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

/** The names and licences, with their texts, of the packages that esbuild put into a bundle. */
export function renderLicenses({ inputs }) {
  const folders = Object.keys(inputs).flatMap(
    (file) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+(?=\/)/.exec(file)?.[0] ?? []
  )
  const sections = [...new Set(folders)].sort().map((folder) => {
    const { name, version, license } = JSON.parse(
      readFileSync(join(folder, 'package.json'), 'utf8')
    )
    if (!license) throw new Error(`${folder} names no licence`)
    const file = readdirSync(folder).find((entry) => /^licen[cs]e/i.test(entry))
    const text = file ? `\n\n${readFileSync(join(folder, file), 'utf8').trim()}` : ''
    return `${name} ${version}: ${license}${text}`
  })
  return `Fogbank's bundle holds parts of these packages.\n\n${sections.join(`\n\n${'-'.repeat(80)}\n\n`)}\n`
}
