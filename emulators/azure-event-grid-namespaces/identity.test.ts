import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { startFogbank } from 'fogbank'

const identity = suite('azure-event-grid-namespaces with @azure/identity')

const SCOPE = 'https://eventgrid.azure.net/.default'
const QUERY = 'topic=lab%2Fdev1%2Fcmd&api-version=2025-08-01-preview'

/** What a user's program does: a token from the credential, then HTTP Publish and MQTT with it. */
const PROGRAM = `
import { once } from 'node:events'
import { ClientSecretCredential } from '@azure/identity'
import mqtt from 'mqtt'
const { authority, events, clientId } = JSON.parse(process.env.FOGBANK_TEST)
const credential = new ClientSecretCredential(authority.tenantId, clientId, authority.clientSecret, {
  authorityHost: authority.https,
  disableInstanceDiscovery: true
})
const { token, expiresOnTimestamp } = await credential.getToken('${SCOPE}')
const client = await mqtt.connectAsync(events.mqtts, {
  protocolVersion: 5,
  reconnectPeriod: 0,
  properties: { authenticationMethod: 'OAUTH2-JWT', authenticationData: Buffer.from(token) }
}).catch((error) => ({ refused: error.code }))
const granted = client.refused
  ? []
  : await client.subscribeAsync('lab/#', { qos: 1 }).catch((error) => [{ qos: error.packet.granted[0] }])
const message = client.refused ? undefined : once(client, 'message')
const reply = await fetch(events.https + '/mqtt/messages?${QUERY}', {
  method: 'POST',
  headers: { authorization: 'Bearer ' + token, 'content-type': 'text/plain' },
  body: 'go'
})
const received = reply.status === 204 ? String((await message)[1]) : undefined
if (!client.refused) await client.endAsync()
console.log(JSON.stringify({
  lastsMinutes: Math.round((expiresOnTimestamp - Date.now()) / 60000),
  granted: granted.map(({ qos }) => qos),
  status: reply.status,
  received
}))
`

/** Runs the program in a process of its own: NODE_EXTRA_CA_CERTS is read at the start of one. */
async function runProgram(clientId?: string): Promise<unknown> {
  const log = { info: () => {}, warn: () => {}, error: () => {} }
  const fogbank = await startFogbank({ only: ['azure-event-grid-namespaces'], log })
  const directory = await mkdtemp(path.join(tmpdir(), 'fogbank-identity-'))
  try {
    const ca = path.join(directory, 'ca.pem')
    await writeFile(ca, await fogbank.ca())
    const { authority, 'azure-event-grid-namespaces': events } = fogbank.endpoints
    const credentials = authority!.credentials as Record<string, string>
    const { stdout } = await promisify(execFile)(
      process.execPath,
      ['--input-type=module', '--eval', PROGRAM],
      {
        cwd: import.meta.dirname,
        timeout: 20_000,
        env: {
          ...process.env,
          NODE_EXTRA_CA_CERTS: ca,
          FOGBANK_TEST: JSON.stringify({
            authority: { ...credentials, https: authority!.https },
            events,
            clientId: clientId ?? credentials.clientId
          })
        }
      }
    )
    return JSON.parse(stdout)
  } finally {
    await rm(directory, { recursive: true })
    await fogbank.close()
  }
}

identity('signs the well-known client in to HTTP Publish and to MQTT', async () => {
  assert.equal(await runProgram(), {
    lastsMinutes: 60,
    granted: [1],
    status: 204,
    received: 'go'
  })
})

identity('gives any other client a token that holds no role', async () => {
  assert.equal(await runProgram('11111111-2222-4333-8444-555555555555'), {
    lastsMinutes: 60,
    granted: [0x87],
    status: 403
  })
})

identity.run()
