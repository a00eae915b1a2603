import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createManualClock, systemIds } from '@fogbank/core'
import { UsageError } from './failure.ts'
import { withFolder } from './testing.ts'
import { createTls } from './tls.ts'

const DAY_MS = 86_400_000

/** A fresh process on the same folder, as far as certificates are concerned. */
function open(directory: string | undefined, hostname?: string, clock = createManualClock()) {
  return createTls({ directory, names: hostname ? [hostname] : [], clock, ids: systemIds })
}

const certificates = suite('certificates')

certificates('carry the local names and --hostname, and are signed by the CA', async () => {
  const tls = open(undefined, 'fog.example')
  const { cert, ca } = await tls.server()
  const server = new X509Certificate(cert)
  const authority = new X509Certificate(ca)
  assert.equal(server.subjectAltName?.split(', '), [
    'DNS:localhost',
    'DNS:*.localhost',
    'DNS:fogbank.localhost',
    'IP Address:127.0.0.1',
    'IP Address:0:0:0:0:0:0:0:1',
    'DNS:fog.example'
  ])
  assert.is(server.verify(authority.publicKey), true)
  assert.is(server.checkIssued(authority), true)
  assert.is(authority.ca, true)
  assert.is(server.ca, false)
  assert.is(await tls.ca(), ca)
  assert.is(tls.caFile, undefined)
})

certificates('take an address as --hostname', async () => {
  const { cert } = await open(undefined, '192.168.7.7').server()
  assert.is(new X509Certificate(cert).checkIP('192.168.7.7'), '192.168.7.7')
})

certificates("of the server are the user's own, when told so", () =>
  withFolder(async (folder) => {
    const own = await open(undefined, 'own.example').server()
    const [tlsCert, tlsKey] = [join(folder, 'own.pem'), join(folder, 'own.key')]
    writeFileSync(tlsCert, own.cert)
    writeFileSync(tlsKey, own.key)
    const clock = createManualClock()
    const tls = createTls({
      directory: join(folder, 'tls'),
      own: { tlsCert, tlsKey },
      clock,
      ids: systemIds
    })
    const { cert, key, ca } = await tls.server()
    assert.equal({ cert, key }, { cert: own.cert, key: own.key })
    // Devices still show certificates of the local CA.
    assert.is(ca, await tls.ca())
    assert.not(existsSync(join(folder, 'tls/server.pem')))
  })
)

certificates('last at most 825 days', async () => {
  const { cert, ca } = await open(undefined).server()
  for (const pem of [cert, ca]) {
    const { validFrom, validTo } = new X509Certificate(pem)
    const days = (Date.parse(validTo) - Date.parse(validFrom)) / DAY_MS
    assert.ok(days <= 825, `${days} days`)
  }
})

certificates('are kept in the folder, keys for the owner only', () =>
  withFolder(async (folder) => {
    const made = await open(folder).server()
    for (const name of ['ca.key', 'server.key']) {
      assert.is(statSync(join(folder, name)).mode & 0o777, 0o600, name)
    }
    assert.is(readFileSync(join(folder, 'ca.pem'), 'utf8'), made.ca)
    assert.equal(await open(folder).server(), made)
  })
)

certificates(
  'stay out of repositories: a folder made for them is ignored, one that was there is not',
  () =>
    withFolder(async (folder) => {
      await open(join(folder, '.fogbank/tls')).ca()
      assert.is(readFileSync(join(folder, '.fogbank/.gitignore'), 'utf8'), '*\n')
      await open(folder).ca()
      assert.not(existsSync(join(folder, '.gitignore')))
    })
)

certificates('of the server are made anew for another name, under the same CA', () =>
  withFolder(async (folder) => {
    const before = await open(folder).server()
    const after = await open(folder, 'fog.example').server()
    assert.is(after.ca, before.ca)
    assert.is.not(after.cert, before.cert)
    assert.match(new X509Certificate(after.cert).subjectAltName ?? '', 'DNS:fog.example')
  })
)

certificates('are made anew when they have less than 30 days left', () =>
  withFolder(async (folder) => {
    const clock = createManualClock()
    const before = await open(folder, undefined, clock).server()
    clock.advance(700 * DAY_MS)
    assert.equal(await open(folder, undefined, clock).server(), before)
    clock.advance(100 * DAY_MS)
    const after = await open(folder, undefined, clock).server()
    assert.is.not(after.cert, before.cert)
    const left = Date.parse(new X509Certificate(after.cert).validTo) - clock.now()
    assert.ok(left > 30 * DAY_MS)
  })
)

certificates('of clients are signed by the CA', async () => {
  const tls = open(undefined)
  const { cert } = await tls.issueClient('dev1')
  const client = new X509Certificate(cert)
  assert.is(client.subject, 'CN=dev1')
  assert.is(client.verify(new X509Certificate(await tls.ca()).publicKey), true)
})

certificates('that cannot be kept are a mistake in one sentence', () =>
  withFolder(async (folder) => {
    const file = join(folder, 'file')
    writeFileSync(file, '')
    const outcome = await open(join(file, 'tls'))
      .server()
      .catch((error: unknown) => error)
    assert.instance(outcome, UsageError)
    assert.match((outcome as Error).message, /cannot be written; choose another --tls-dir$/)
  })
)

certificates('that are damaged are a mistake in one sentence', () =>
  withFolder(async (folder) => {
    await open(folder).server()
    writeFileSync(join(folder, 'ca.pem'), 'nonsense')
    const outcome = await open(folder)
      .server()
      .catch((error: unknown) => error)
    assert.instance(outcome, UsageError)
    assert.match((outcome as Error).message, folder)
  })
)

certificates.run()
