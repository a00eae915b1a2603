import type { PersonalityDefinition } from '@fogbank/personality'
import type { Fixture } from './runner.ts'

/** What no transcript shows: an operation's success (`Publish`) or one of its rows (`Publish TopicTooLong`). */
export type Gap = string

/** The gaps between a personality's tables and its transcripts. */
export function findGaps(definition: PersonalityDefinition, fixtures: readonly Fixture[]): Gap[] {
  const shown = new Set<Gap>()
  for (const { personality, operation, status, transcript } of fixtures) {
    if (personality !== definition.name) continue
    if (transcript.raises) shown.add(`${operation} ${transcript.raises}`)
    else if (status === 101 || (status >= 200 && status < 300)) shown.add(operation)
  }
  return Object.entries(definition.operations)
    .flatMap(([name, { raises }]) => [name, ...raises.map((row) => `${name} ${row}`)])
    .filter((gap) => !shown.has(gap))
}

/** The rows of the error table that no transcript shows under any operation, raised by one or not. */
export function findUnshownRows(
  definition: PersonalityDefinition,
  fixtures: readonly Fixture[]
): string[] {
  const shown = new Set(
    fixtures
      .filter(({ personality }) => personality === definition.name)
      .map(({ transcript }) => transcript.raises)
  )
  return Object.keys(definition.errors).filter((row) => !shown.has(row))
}

/**
 * The gaps a README owns up to: the code spans that open a bullet under `## Known gaps`, as far as they
 * name an operation of the table. Other bullets there are for people.
 */
export function readKnownGaps(readme: string, definition: PersonalityDefinition): Gap[] {
  return readSection(readme)
    .split(/^- /m)
    .flatMap((bullet) => {
      const opening = /^(?:`[^`]+`[,\s]*(?:and\s+)?)+/.exec(bullet)?.[0] ?? ''
      return [...opening.matchAll(/`([^`]+)`/g)]
        .map(([, span = '']) => span.replace(/\s+/g, ' '))
        .filter((span) => span.split(' ')[0]! in definition.operations)
    })
}

/** Whether some bullet under `## Known gaps` names the row in a code span, with its operation or without. */
export function ownsUpToRow(readme: string, row: string): boolean {
  const spans = [...readSection(readme).matchAll(/`([^`]+)`/g)]
  return spans.some(([, span = '']) => span.split(/\s+/).at(-1) === row)
}

const readSection = (readme: string) =>
  /^## Known gaps\n(.*?)(?=^## |$(?![^]))/ms.exec(readme)?.[1] ?? ''
