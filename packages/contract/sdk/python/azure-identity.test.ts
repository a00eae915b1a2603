// The vendor's identity library for Python, in a virtual environment that this test makes.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WELL_KNOWN_PRINCIPAL } from '@fogbank/authority'
import { createIdentityWorld, expectedIdentities } from '../azure-identity.ts'
import { findPython, runScript } from './environment.ts'

const sdk = suite('authority with azure-identity for Python')
const found = await findPython()

if ('reason' in found) {
  sdk(`is left out: ${found.reason}`, () => console.log(found.reason))
} else {
  sdk('gives tokens to every credential, with environment settings only', () =>
    createIdentityWorld(async ({ fogbank, env, certificate }) => {
      const { wrong, ...oids } = await runScript<Record<string, string>>(
        { fogbank },
        { python: found.python, name: 'azure_identity.py', given: () => ({ certificate }), env }
      )
      assert.equal(oids, { ...expectedIdentities, default: WELL_KNOWN_PRINCIPAL.oid })
      assert.match(wrong!, 'AADSTS7000215: Invalid client secret provided.')
    })
  )
}

sdk.run()
