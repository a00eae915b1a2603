import { mkdirSync, writeFileSync } from 'node:fs'
import net from 'node:net'
import { join } from 'node:path'
import { once } from 'node:events'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { fogbank, withFolder, withSuite } from './testing.ts'

const mistakes = suite('mistakes on the command line')

/** Expects one sentence on standard error, nothing else anywhere, and exit code 2. */
async function expectRefusal(
  folder: string,
  args: string[],
  sentence: RegExp,
  env: Record<string, string> = {}
): Promise<void> {
  const { code, out, err } = await fogbank(folder, args, env).exited
  assert.match(err, sentence)
  assert.is(err.trimEnd().split('\n').length, 1, err)
  assert.is(out, '')
  assert.is(code, 2)
}

mistakes('an unknown flag names the nearest', () =>
  withFolder((folder) =>
    expectRefusal(folder, ['start', '--port-bse', '1'], /unknown option '--port-bse'.*--port-base/)
  )
)

mistakes('a value that does not fit names flag, value and choices', () =>
  withFolder((folder) =>
    expectRefusal(
      folder,
      ['start', '--auth', 'lax'],
      /--auth: "auth" is "lax", but it must be equal to one of the allowed values: strict, lenient/
    )
  )
)

mistakes('the same from the environment', () =>
  withFolder((folder) =>
    expectRefusal(
      folder,
      ['start'],
      /FOGBANK_PORT_BASE: "portBase" is "x", but it must be integer/,
      {
        FOGBANK_PORT_BASE: 'x'
      }
    )
  )
)

mistakes('an unknown key in the file names the nearest', () =>
  withFolder(async (folder) => {
    writeFileSync(join(folder, 'fogbank.config.json'), '{"portbase":4600}')
    await expectRefusal(
      folder,
      ['start'],
      /fogbank\.config\.json: unknown key "portbase"; did you mean "portBase"\?/
    )
  })
)

mistakes('settings that make no sense name the personality and what is wrong', () =>
  withFolder(async (folder) => {
    const clientGroups = [{ name: 'meters', query: 'attributes.kind == 1' }]
    const config = { 'azure-event-grid-namespaces': { clientGroups } }
    writeFileSync(join(folder, 'fogbank.config.json'), JSON.stringify(config))
    await expectRefusal(
      folder,
      ['start', '--ephemeral', '--port-base', '0'],
      /configuration of azure-event-grid-namespaces: clientGroups\/meters\/query: a value should be where = is/
    )
  })
)

mistakes('a file that is not JSON, a folder, or not there', () =>
  withFolder(async (folder) => {
    writeFileSync(join(folder, 'x.json'), '{')
    await expectRefusal(folder, ['start', '--config', 'x.json'], /x\.json is not JSON/)
    await expectRefusal(
      folder,
      ['start', '--config', 'y.json'],
      /--config y\.json is not there; name a/
    )
    mkdirSync(join(folder, 'fogbank.config.json'))
    await expectRefusal(folder, ['start'], /: fogbank\.config\.json is a folder; name a file/)
  })
)

mistakes('a taken port names it and the flag', () =>
  withFolder(async (folder) => {
    const server = net.createServer().listen(0, '127.0.0.1')
    await once(server, 'listening')
    const { port } = server.address() as net.AddressInfo
    try {
      await expectRefusal(
        folder,
        ['start', '--ephemeral', '--port-base', String(Math.min(port, 65400))],
        new RegExp(`port ${port} \\(control\\) is taken; .* --port-base`)
      )
    } finally {
      server.close()
    }
  })
)

mistakes('a locked data folder names it and the way out', () =>
  withFolder((folder) =>
    withSuite({ only: ['aws-iot'], dataDir: folder }, () =>
      expectRefusal(
        folder,
        ['start', '--port-base', '0', '--data-dir', folder],
        /is in use by another process; stop it, choose another --data-dir, or use --ephemeral/
      )
    )
  )
)

mistakes.run()
