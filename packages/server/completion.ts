import type { Command } from 'commander'

export const SHELLS = ['bash', 'zsh', 'fish'] as const
export type Shell = (typeof SHELLS)[number]

/** A script that completes commands and flags, from commander's own tables. */
export function renderCompletion(program: Command, shell: Shell): string {
  const commands = program.commands.map((command) => ({
    name: command.name(),
    about: command.description(),
    flags: [...command.options.flatMap(({ long }) => long ?? []), '--help']
  }))
  if (shell === 'fish') {
    const lines = commands.flatMap(({ name, about, flags }) => [
      `complete -c fogbank -f -n __fish_use_subcommand -a ${name} -d '${quote(about)}'`,
      ...flags.map(
        (flag) => `complete -c fogbank -n '__fish_seen_subcommand_from ${name}' -l ${flag.slice(2)}`
      )
    ])
    return lines.join('\n')
  }
  const cases = commands.map(({ name, flags }) => `    ${name}) words='${flags.join(' ')}' ;;`)
  const bash = [
    '_fogbank() {',
    '  local words',
    '  case "${COMP_WORDS[1]}" in',
    ...cases,
    '  esac',
    `  if [ "$COMP_CWORD" -eq 1 ]; then words='${commands.map(({ name }) => name).join(' ')}'; fi`,
    '  COMPREPLY=($(compgen -W "$words" -- "${COMP_WORDS[COMP_CWORD]}"))',
    '}',
    'complete -o default -F _fogbank fogbank'
  ]
  // zsh runs bash's scripts once it is asked to.
  const before = shell === 'zsh' ? ['autoload -U +X bashcompinit && bashcompinit'] : []
  return [...before, ...bash].join('\n')
}

const quote = (text: string) => text.replaceAll('\\', '\\\\').replaceAll("'", "\\'")
