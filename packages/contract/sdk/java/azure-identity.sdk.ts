// The vendor's identity library for Java.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { WELL_KNOWN_PRINCIPAL } from '@fogbank/authority'
import { createIdentityWorld, expectedIdentities } from '../azure-identity.ts'
import { missingJava, prepareJava, runJava } from './environment.ts'

const sdk = suite('authority with azure-identity for Java')
const reason = await missingJava()

if (reason !== undefined) {
  sdk(`is left out: ${reason}`, () => console.log(reason))
} else {
  sdk('gives tokens to every credential, with environment settings only', () =>
    createIdentityWorld(async ({ fogbank, env, certificate }) => {
      await prepareJava()
      const name = 'AzureIdentity'
      const given = () => ({ certificate })
      const { wrong, ...oids } = await runJava<string>({ fogbank }, { name, given, env })
      const { IDENTITY_ENDPOINT: _endpoint, IDENTITY_HEADER: _header, ...elsewhere } = env
      const onMachine = await runJava<string>({ fogbank }, { name, given, env: elsewhere })
      assert.equal(
        { ...oids, ...onMachine },
        { ...expectedIdentities, default: WELL_KNOWN_PRINCIPAL.oid }
      )
      assert.match(wrong!, 'AADSTS7000215: Invalid client secret provided.')
    })
  )
}

sdk.run()
