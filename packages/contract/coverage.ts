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

/**
 * The gaps a README owns up to: the code spans that open a bullet under `## Known gaps`, as far as they
 * name an operation of the table. Other bullets there are for people.
 */
export function readKnownGaps(readme: string, definition: PersonalityDefinition): Gap[] {
  const section = /^## Known gaps\n(.*?)(?=^## |$(?![^]))/ms.exec(readme)?.[1] ?? ''
  return section.split(/^- /m).flatMap((bullet) => {
    const opening = /^(?:`[^`]+`[,\s]*(?:and\s+)?)+/.exec(bullet)?.[0] ?? ''
    return [...opening.matchAll(/`([^`]+)`/g)]
      .map(([, span = '']) => span.replace(/\s+/g, ' '))
      .filter((span) => span.split(' ')[0]! in definition.operations)
  })
}
