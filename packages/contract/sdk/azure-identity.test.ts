// The vendor's identity library against the authority, pointed there by environment variables alone.
import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WELL_KNOWN_PRINCIPAL } from '@fogbank/authority'
import { createIdentityWorld, expectedIdentities } from './azure-identity.ts'

const identity = suite('authority with @azure/identity')

identity('gives tokens to every credential, with environment settings only', () =>
  createIdentityWorld(async ({ env, certificate }) => {
    const program = join(import.meta.dirname, 'azure-identity-client.ts')
    const { stdout } = await promisify(execFile)(process.execPath, ['--import', 'tsx', program], {
      cwd: import.meta.dirname,
      env: { ...process.env, ...env, FOGBANK_TEST_CERTIFICATE: certificate, NO_PROXY: 'localhost' },
      timeout: 60_000
    })
    const { wrong, ...oids } = JSON.parse(stdout) as Record<string, string>
    assert.equal(oids, { ...expectedIdentities, default: WELL_KNOWN_PRINCIPAL.oid })
    assert.match(wrong!, 'AADSTS7000215: Invalid client secret provided.')
  })
)

identity.run()
