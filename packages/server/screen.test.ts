import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fogbank, withFolder, withRunning } from './testing.ts'

const help = suite('fogbank --help')

help('fits one screen, for every command', () =>
  withFolder(async (folder) => {
    const { out, code } = await fogbank(folder, ['--help']).exited
    assert.is(code, 0)
    const commands = [...out.matchAll(/^ {2}([a-z]+) /gm)].map(([, name]) => name!)
    assert.ok(commands.includes('start') && commands.includes('exec'))
    const screens = [out]
    for (const name of commands.filter((name) => name !== 'help')) {
      screens.push((await fogbank(folder, [name, '--help']).exited).out)
    }
    for (const screen of screens) {
      const lines = screen.trimEnd().split('\n')
      assert.ok(lines.length <= 24, `${lines.length} lines: ${screen}`)
      for (const line of lines) assert.ok(line.length <= 80, line)
    }
  })
)

help('is the answer to no command, which is a mistake, and --version is that of the package', () =>
  withFolder(async (folder) => {
    const [nothing, version, wrong] = await Promise.all(
      [[], ['--version'], ['token', '--expires-in', 'soon']].map(
        (args) => fogbank(folder, args).exited
      )
    )
    assert.is(nothing!.code, 2)
    assert.match(nothing!.err, /^Usage: fogbank/)
    const manifest = JSON.parse(readFileSync(join(import.meta.dirname, 'package.json'), 'utf8'))
    assert.equal(version, { code: 0, out: `${manifest.version}\n`, err: '' })
    assert.is(wrong!.code, 2)
    assert.match(wrong!.err, /--expires-in <seconds>' argument 'soon' is invalid. Give whole sec/)
  })
)

help("of exec has exec's own defaults", () =>
  withFolder(async (folder) => {
    const { out } = await fogbank(folder, ['exec', '--help']).exited
    assert.match(out, /--port-base .* \(0\)$/m)
    assert.match(out, /--data-dir <dir> +folder of the database$/m)
    assert.match(out, /--log-level .* \(warn\)$/m)
  })
)

help.run()

const init = suite('fogbank init')

init('writes what start takes, and never overwrites', () =>
  withFolder(async (folder) => {
    const first = await fogbank(folder, ['init']).exited
    assert.equal({ code: first.code, err: first.err }, { code: 0, err: '' })
    assert.equal(readdirSync(folder).sort(), ['fogbank.config.json', 'fogbank.config.schema.json'])
    await withRunning(folder, ['--ephemeral'], async ({ url }) => {
      assert.is((await fetch(`${url}/health`)).status, 200)
    })
    const file = join(folder, 'fogbank.config.json')
    writeFileSync(file, '{}')
    const second = await fogbank(folder, ['init']).exited
    assert.is(second.code, 2)
    assert.match(second.err, /fogbank\.config\.json is there already; remove it first/)
    assert.is(readFileSync(file, 'utf8'), '{}')
  })
)

init.run()

const completion = suite('fogbank completion')

completion('completes commands and flags in bash', () =>
  withFolder(async (folder) => {
    const { out } = await fogbank(folder, ['completion', 'bash']).exited
    const complete = (...words: string[]) => {
      const ask = `COMP_WORDS=(fogbank ${words.join(' ')}); COMP_CWORD=${words.length}; _fogbank`
      const script = `${out}\n${ask}; echo "\${COMPREPLY[@]}"`
      return spawnSync('bash', ['-c', script], { encoding: 'utf8' }).stdout.trim()
    }
    assert.is(complete('hea'), 'healthcheck')
    assert.is(complete('start', '--port'), '--port-base')
  })
)

completion('is there for zsh and fish, and for no other', () =>
  withFolder(async (folder) => {
    const [zsh, fish, other] = await Promise.all(
      ['zsh', 'fish', 'cmd'].map((shell) => fogbank(folder, ['completion', shell]).exited)
    )
    assert.match(zsh!.out, 'bashcompinit')
    assert.match(
      fish!.out,
      "complete -c fogbank -n '__fish_seen_subcommand_from start' -l port-base"
    )
    assert.is(other!.code, 2)
    assert.match(other!.err, /Allowed choices are bash, zsh, fish/)
  })
)

completion.run()
