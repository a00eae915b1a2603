// Eclipse Paho for Python, the client of the vendor's own samples, in a virtual environment that this test makes.
import { createPrivateKey } from 'node:crypto'
import { SignJWT } from 'jose'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mintToken } from '../../token.ts'
import { withFogbank } from '../../with-fogbank.ts'
import { createCertificate } from '../azure-identity.ts'
import { findPython, runScript } from './environment.ts'

const ID = 'azure-event-grid-namespaces'

const paho = suite('azure-event-grid-namespaces with paho')
const found = await findPython()

/** A token of an issuer of one's own, for the namespace as it is called here. */
function sign(key: string): Promise<string> {
  return new SignJWT({ iss: 'lab-issuer', sub: 'dev3', aud: 'localhost', kind: 'meter' })
    .setProtectedHeader({ typ: 'JWT', alg: 'RS256' })
    .setNotBefore('-1 minute')
    .setExpirationTime('1 hour')
    .sign(createPrivateKey(key))
}

if ('reason' in found) {
  paho(`is left out: ${found.reason}`, () => console.log(found.reason))
} else {
  paho('connects by certificate, OAUTH2-JWT and CUSTOM-JWT, and hears why it may not', async () => {
    const issuer = await createCertificate()
    const customJwtAuthentication = {
      tokenIssuer: 'lab-issuer',
      encodedIssuerCertificates: [{ kid: 'one', encodedCertificate: issuer.cert }]
    }
    const settings = {
      clients: [{ name: 'dev1' }, { name: 'dev2' }],
      topicSpacesConfiguration: {
        maximumClientSessionsPerAuthenticationName: 2,
        clientAuthentication: { customJwtAuthentication }
      }
    }
    await withFogbank({ only: [ID], config: { [ID]: settings } }, async ({ fogbank }) => {
      const tokens = {
        'OAUTH2-JWT': await mintToken(fogbank),
        'CUSTOM-JWT': await sign(issuer.key)
      }
      const device = await fogbank.issueClient('dev1')
      const outcomes = await runScript(
        { fogbank },
        {
          python: found.python,
          name: 'event_grid_mqtt.py',
          given: (file) => ({
            host: 'localhost',
            port: Number(new URL(String(fogbank.endpoints[ID]!.http)).port),
            cert: file('dev1.pem', device.cert),
            key: file('dev1.key', device.key),
            tokens
          })
        }
      )
      const message = (name: string) => ({
        granted: 1,
        published: 0,
        topic: `lab/${name}/state`,
        payload: 'on'
      })
      const refused = { refused: 'Not authorized' }
      assert.equal(outcomes, {
        certificate: message('certificate'),
        'certificate 3.1.1': message('older'),
        'certificate of another': refused,
        'no credential': refused,
        'unknown method': { refused: 'Bad authentication method' },
        'OAUTH2-JWT': message('OAUTH2-JWT'),
        'broken OAUTH2-JWT': refused,
        'CUSTOM-JWT': message('CUSTOM-JWT'),
        'broken CUSTOM-JWT': refused
      })
    })
  })
}

paho.run()
