import { existsSync, writeFileSync } from 'node:fs'
import { resolve } from 'node:path'
import type { PersonalityDefinition } from '@fogbank/personality'
import { configSchema } from './config.ts'
import { UsageError } from './failure.ts'
import { settings, type Setting } from './settings.ts'

const CONFIG_FILE = 'fogbank.config.json'
const SCHEMA_FILE = 'fogbank.config.schema.json'

/**
 * Writes a configuration that says what holds without one, and the schema by which editors explain each key.
 *
 * Answers the files. A setting that has no default is left out; the schema knows it.
 * @throws UsageError when one of the files is there: nothing is ever overwritten
 */
export function init(folder: string, definitions: readonly PersonalityDefinition[]): string[] {
  const config: Record<string, unknown> = { $schema: `./${SCHEMA_FILE}` }
  for (const [name, { default: preset }] of Object.entries<Setting>(settings)) {
    if (preset !== undefined) config[name] = preset
  }
  for (const { name } of definitions) config[name] = {}
  const files = [
    { path: resolve(folder, CONFIG_FILE), content: config },
    { path: resolve(folder, SCHEMA_FILE), content: configSchema(definitions) }
  ]
  for (const { path } of files) {
    if (!existsSync(path)) continue
    throw new UsageError(`${path} is there already; remove it first, or change it by hand`)
  }
  try {
    for (const { path, content } of files) {
      writeFileSync(path, `${JSON.stringify(content, null, 2)}\n`, { flag: 'wx' })
    }
  } catch (cause) {
    throw new UsageError(`${folder} cannot be written; go to a folder that can`, { cause })
  }
  return files.map(({ path }) => path)
}
