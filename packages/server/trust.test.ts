import { spawnSync } from 'node:child_process'
import { existsSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { rootCertificates } from 'node:tls'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createManualClock, systemIds } from '@fogbank/core'
import { withFolder } from './testing.ts'
import { createTls } from './tls.ts'
import { TRUST_JKS, TRUST_PEM } from './trust.ts'

const open = (directory: string | undefined) =>
  createTls({ directory, clock: createManualClock(), ids: systemIds })

const trust = suite('what programs trust')

trust('stands beside the CA: its certificate first, then the public authorities', () =>
  withFolder(async (folder) => {
    const ca = await open(folder).ca()
    const bundle = readFileSync(join(folder, TRUST_PEM), 'utf8')
    assert.ok(bundle.startsWith(ca))
    const count = bundle.split('-----BEGIN CERTIFICATE-----').length - 1
    assert.is(count, rootCertificates.length + 1)
  })
)

trust('is made once, again when a file is gone, and anew for another CA', () =>
  withFolder(async (folder) => {
    const first = await open(folder).ca()
    const made = statSync(join(folder, TRUST_PEM)).mtimeMs
    await open(folder).ca()
    assert.is(statSync(join(folder, TRUST_PEM)).mtimeMs, made)
    rmSync(join(folder, TRUST_JKS))
    await open(folder).ca()
    assert.ok(existsSync(join(folder, TRUST_JKS)))
    rmSync(join(folder, 'ca.pem'))
    const second = await open(folder).ca()
    assert.is.not(second, first)
    assert.ok(readFileSync(join(folder, TRUST_PEM), 'utf8').startsWith(second))
  })
)

const isJavaHere = spawnSync('keytool', ['-help']).error === undefined

if (!isJavaHere) {
  trust('is left out for Java: there is no keytool', () => console.log('no keytool, no Java'))
} else {
  trust('is read by Java with its checksum, and not once a byte of it is another', () =>
    withFolder(async (folder) => {
      await open(folder).ca()
      const store = join(folder, TRUST_JKS)
      const list = ['-list', '-storetype', 'JKS', '-keystore', store, '-storepass', 'changeit']
      const read = () => spawnSync('keytool', list, { encoding: 'utf8', timeout: 30_000 })
      const { status, stdout } = read()
      assert.is(status, 0, stdout)
      assert.is(stdout.match(/trustedCertEntry/g)?.length, rootCertificates.length + 1)
      const bytes = readFileSync(store)
      bytes[bytes.length - 1]! ^= 1
      writeFileSync(store, bytes)
      assert.is(read().status, 1)
    })
  )
}

trust.run()
