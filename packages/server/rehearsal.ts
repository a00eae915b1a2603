import { createCore, type Clock, type Core, type Ids } from '@fogbank/core'
import {
  SettingsError,
  startPersonality,
  type PersonalityContext,
  type PersonalityDefinition,
  type RunningPersonality
} from '@fogbank/personality'
import { UsageError } from './failure.ts'

/** A port that somebody asked for. */
export interface WantedPort {
  /** Whose port. */
  name: string
  port: number
  /** Where it was asked for: `--port-base`, `azure-event-grid-topics.topics (orders).port`. */
  setting: string
}

const SILENT = { info() {}, warn() {}, error() {} }

/**
 * Brings the personalities to life over a core in memory and ends them again, so that settings which make no
 * sense are found before the real core has written anything.
 *
 * Answers the ports that the settings ask for beside each one's own.
 * @param contextOf what each is given over this core, which says nothing to anybody
 * @throws UsageError for settings that make no sense
 */
export async function rehearse(
  definitions: readonly PersonalityDefinition[],
  { clock, ids }: { clock: Clock; ids: Ids },
  contextOf: (core: Core, name: string) => PersonalityContext
): Promise<WantedPort[]> {
  const core = await createCore({ clock, ids, log: SILENT })
  const running: RunningPersonality[] = []
  try {
    for (const definition of definitions) {
      const context = { ...contextOf(core, definition.name), log: SILENT }
      running.push(await startOne(definition, context))
    }
    return running.flatMap(({ definition: { name }, description: { ports = [] } }) =>
      ports.map(({ port, setting }) => ({ name, port, setting: `${name}.${setting}` }))
    )
  } finally {
    for (const personality of running) await personality.close()
    await core.close()
  }
}

/** @throws UsageError for settings that make no sense */
export async function startOne(
  definition: PersonalityDefinition,
  context: PersonalityContext
): Promise<RunningPersonality> {
  try {
    return await startPersonality(definition, context)
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error
    throw new UsageError(`configuration of ${definition.name}: ${error.message}`, { cause: error })
  }
}
