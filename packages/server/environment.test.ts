import { spawnSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { environmentFor, environmentOf, formatEnvironment } from './environment.ts'
import { withFolder } from './testing.ts'

const ENDPOINTS = {
  'azure-event-grid-topics': {
    http: 'http://localhost:4630',
    endpoint: 'http://localhost:4630/api/events',
    credentials: { key1: 'one', key2: 'two' }
  },
  another: { http: 'http://localhost:4699' }
}

const TRUST = {
  NODE_EXTRA_CA_CERTS: '/ca.pem',
  SSL_CERT_FILE: '/ca-bundle.pem',
  REQUESTS_CA_BUNDLE: '/ca-bundle.pem',
  JAVA_TOOL_OPTIONS: '-Djavax.net.ssl.trustStore=/ca-bundle.jks -Djavax.net.ssl.trustStoreType=JKS'
}

const environment = suite('fogbank env')

environment('points at the endpoint of a topic, with its key', () => {
  assert.equal(environmentFor('azure-event-grid-topics', ENDPOINTS, '/ca.pem'), {
    FOGBANK_AZURE_EVENT_GRID_TOPICS_ENDPOINT: 'https://localhost:4630/api/events',
    FOGBANK_AZURE_EVENT_GRID_TOPICS_KEY: 'one',
    ...TRUST
  })
})

environment('points at whatever else by its HTTP URL, and at nobody not at all', () => {
  assert.equal(environmentFor('another', ENDPOINTS, undefined), {
    FOGBANK_ANOTHER_ENDPOINT: 'http://localhost:4699'
  })
  assert.is(environmentFor('nobody', ENDPOINTS, undefined), undefined)
})

environment('points the identity libraries at the authority, with and without a secret', () => {
  const endpoints = {
    control: { http: 'http://localhost:4600' },
    authority: {
      https: 'https://localhost:4660',
      credentials: { tenantId: 'tenant', clientId: 'client', clientSecret: 'local' }
    }
  }
  const variables = environmentFor('authority', endpoints, '/ca.pem')
  assert.equal(variables, {
    AZURE_AUTHORITY_HOST: 'https://localhost:4660',
    AZURE_TENANT_ID: 'adfs',
    AZURE_CLIENT_ID: 'client',
    AZURE_CLIENT_SECRET: 'local',
    IDENTITY_ENDPOINT: 'http://localhost:4600/msi/token',
    IDENTITY_HEADER: 'F09BA2C0000040008000000000000004',
    AZURE_POD_IDENTITY_AUTHORITY_HOST: 'http://localhost:4600',
    ...TRUST
  })
})

environment('speaks https where there is a CA to trust, and plain HTTP where there is none', () => {
  const endpoints = {
    'aws-iot': { http: 'http://localhost:1', credentials: {} },
    'azure-event-grid-namespaces': { http: 'http://localhost:2' },
    'azure-web-pubsub': {
      http: 'http://localhost:3',
      credentials: { connectionString: 'Endpoint=http://localhost:3;AccessKey=k;' }
    }
  }
  for (const [caFile, http] of [
    ['/ca.pem', 'https'],
    [undefined, 'http']
  ] as const) {
    const all = environmentOf(endpoints, undefined, caFile)
    assert.is(all.AWS_ENDPOINT_URL_IOT_DATA_PLANE, `${http}://localhost:1`)
    assert.is(all.AWS_ENDPOINT_URL_IOT, `${http}://localhost:1`)
    assert.is(all.AWS_CA_BUNDLE, caFile && '/ca-bundle.pem')
    assert.is(all.FOGBANK_AZURE_EVENT_GRID_NAMESPACES_ENDPOINT, `${http}://localhost:2`)
    assert.is(all.WebPubSubConnectionString, `Endpoint=${http}://localhost:3;AccessKey=k;`)
    assert.is('SSL_CERT_FILE' in all, caFile !== undefined)
  }
})

environment('quotes the trust store of Java in a folder with a space', () => {
  const { JAVA_TOOL_OPTIONS } = environmentFor('another', ENDPOINTS, '/my project/ca.pem')!
  assert.match(JAVA_TOOL_OPTIONS!, '-Djavax.net.ssl.trustStore="/my project/ca-bundle.jks" ')
})

const VARIABLES = {
  WebPubSubConnectionString: 'Endpoint=http://localhost:4640;AccessKey=Zm9n+/8=;Version=1.0;',
  NODE_EXTRA_CA_CERTS: "/home/o'neil/my project/#1/ca.pem"
}

environment('is the same in each form: a shell, a .env file, JSON', () =>
  withFolder(async (folder) => {
    const shell = `${formatEnvironment(VARIABLES, 'shell')}\nexec env`
    const { stdout } = spawnSync('sh', ['-c', shell], { encoding: 'utf8' })
    const set = Object.fromEntries(stdout.split('\n').map((line) => line.split(/=(.*)/, 2)))
    for (const [name, value] of Object.entries(VARIABLES)) assert.is(set[name], value)

    // The oldest Node that we run on has no parseEnv, but reads such a file.
    const file = join(folder, '.env')
    writeFileSync(file, formatEnvironment(VARIABLES, 'dotenv'))
    const print = 'process.stdout.write(JSON.stringify(process.env))'
    const read = spawnSync(process.execPath, [`--env-file=${file}`, '-e', print], { env: {} })
    assert.equal(JSON.parse(String(read.stdout)), VARIABLES)

    assert.equal(JSON.parse(formatEnvironment(VARIABLES, 'json')), VARIABLES)
  })
)

environment(
  'puts no quotes in a .env file where none are needed: not every reader takes them off',
  () => {
    assert.is(
      formatEnvironment(VARIABLES, 'dotenv').split('\n')[0],
      `WebPubSubConnectionString=${VARIABLES.WebPubSubConnectionString}`
    )
  }
)

environment.run()
