import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { compileSchema } from '@fogbank/personality'
import { configSchema, readConfiguration, type Configuration } from './config.ts'
import { UsageError } from './failure.ts'
import { personalities } from './personalities.ts'
import { settings, type Setting, type SettingName } from './settings.ts'
import { withFolder } from './testing.ts'

interface Said {
  flags?: Record<string, unknown>
  env?: Record<string, string>
  file?: object
}

const read = ({ flags = {}, env = {}, file = {} }: Said): Configuration =>
  readConfiguration(personalities, flags, env, { config: file })

/** The sentence that a mistake is answered with. */
function refusal(said: Said): string {
  try {
    read(said)
  } catch (error) {
    assert.instance(error, UsageError)
    return (error as Error).message
  }
  return 'it was taken'
}

const order = suite('configuration order')

order('is flag, then environment, then file, then default', () => {
  const flags = { portBase: '1000' }
  const env = { FOGBANK_PORT_BASE: '2000' }
  const file = { portBase: 3000 }
  assert.is(read({ flags, env, file }).portBase, 1000)
  assert.is(read({ env, file }).portBase, 2000)
  assert.is(read({ file }).portBase, 3000)
  assert.is(read({}).portBase, 4600)
})

order('lets a flag or variable say no where the file says yes, and the other way round', () => {
  assert.is(read({ flags: { hints: false }, file: { hints: true } }).hints, false)
  assert.is(read({ env: { FOGBANK_HINTS: 'false' }, file: { hints: true } }).hints, false)
  assert.is(read({ env: { FOGBANK_HINTS: '1' }, file: { hints: false } }).hints, true)
  assert.is(read({ env: { FOGBANK_EPHEMERAL: 'true' } }).ephemeral, true)
})

order('takes an empty variable as not said', () => {
  assert.is(read({ env: { FOGBANK_AUTH: '' }, file: { auth: 'lenient' } }).auth, 'lenient')
})

order('lets variables of the same beginning be that others have given', () => {
  const env = { FOGBANK_PORT: 'tcp://10.0.0.1:4600', FOGBANK_SERVICE_HOST: '10.0.0.1' }
  assert.is(read({ env }).portBase, 4600)
})

order('separates ids by commas', () => {
  const both = ['shiftr', 'aws-iot'].filter((id) => personalities.some(({ name }) => name === id))
  assert.equal(read({ flags: { only: both.join(', ') } }).only, both)
  assert.equal(read({ env: { FOGBANK_ONLY: 'aws-iot' } }).only, ['aws-iot'])
})

order('takes an empty list for the plain door alone', () => {
  assert.equal(read({ flags: { only: [] } }).only, [])
  assert.equal(read({ file: { only: [] } }).only, [])
})

order('hands each personality its own part', () => {
  const { personalities: own } = read({ file: { 'aws-iot': { space: 'blue' } } })
  assert.equal(own['aws-iot'], { space: 'blue' })
  assert.equal(own['azure-event-grid-namespaces'], {})
})

/** For each setting a value that is not its default: as text, and as the file has it. */
const OTHERS: Record<SettingName, [text: string, value: unknown]> = {
  only: ['aws-iot', ['aws-iot']],
  dataDir: ['elsewhere', 'elsewhere'],
  ephemeral: ['true', true],
  host: ['0.0.0.0', '0.0.0.0'],
  hostname: ['fog.test', 'fog.test'],
  tlsCert: ['own.pem', 'own.pem'],
  tlsKey: ['own.key', 'own.key'],
  portBase: ['5600', 5600],
  auth: ['lenient', 'lenient'],
  logLevel: ['debug', 'debug'],
  tlsDir: ['certificates', 'certificates'],
  hints: ['false', false]
}

for (const [name, [text, value]] of Object.entries(OTHERS)) {
  order(`${name} can be said in all three ways`, () => {
    const { env } = settings[name as SettingName] as Setting
    const key = name as SettingName
    const flag = typeof value === 'boolean' ? value : text
    assert.equal(read({ flags: { [name]: flag } })[key], value)
    assert.equal(read({ env: { [env]: text } })[key], value)
    assert.equal(read({ file: { [name]: value } })[key], value)
  })
}

order.run()

const names = suite('configuration hostname')

names('is in URLs when it is one, and several are for the certificate only', () => {
  const read = (hostname?: string) => {
    const { hostname: pinned, hostnames } = readConfiguration(personalities, { hostname }, {})
    return { pinned, hostnames }
  }
  assert.equal(read(), { pinned: undefined, hostnames: [] })
  assert.equal(read('fogbank'), { pinned: 'fogbank', hostnames: ['fogbank'] })
  assert.equal(read('fogbank, fog.example'), {
    pinned: undefined,
    hostnames: ['fogbank', 'fog.example']
  })
  const others = ['*.example', 'my_service', '10.0.0.1', '::1']
  assert.equal(read(others.join()).hostnames, others)
})

names.run()

const mistakes = suite('configuration mistakes')

const MISTAKES: [what: string, said: Said, sentence: string][] = [
  [
    'a misspelt key',
    { file: { hostnam: 'x' } },
    'config: unknown key "hostnam"; did you mean "hostname"?'
  ],
  [
    'a misspelt key of the plain door',
    { file: { plainDoor: { recieveMaximum: 1 } } },
    'config: unknown key "recieveMaximum" in "plainDoor"; did you mean "receiveMaximum"?'
  ],
  [
    'a misspelt key of a personality',
    { file: { 'aws-iot': { accesKeys: [] } } },
    'config: unknown key "accesKeys" in "aws-iot"; did you mean "accessKeys"?'
  ],
  [
    'a number out of range',
    { file: { portBase: 70000 } },
    'config: "portBase" is 70000, but it must be <= 65400'
  ],
  [
    'a value of another type',
    { file: { hints: 'no' } },
    'config: "hints" is "no", but it must be boolean'
  ],
  [
    'a word that is none of the choices',
    { env: { FOGBANK_AUTH: 'loose' } },
    'FOGBANK_AUTH: "auth" is "loose", but it must be equal to one of the allowed values: strict, lenient'
  ],
  [
    'a URL for a name',
    { env: { FOGBANK_HOSTNAME: 'fogbank,http://iot.example:4610' } },
    '"hostname" is "fogbank,http://iot.example:4610", but "http://iot.example:4610" is no name of a host; leave out scheme, port and path, and separate names by commas'
  ],
  [
    'a misspelt variable',
    { env: { FOGBANK_PORTBASE: '5000' } },
    'the variable FOGBANK_PORTBASE is read by nothing; did you mean FOGBANK_PORT_BASE?'
  ],
  ['a list', { file: ['hints'] }, 'config: it is ["hints"], but it must be an object'],
  [
    'a negative port base',
    { flags: { portBase: '-1' } },
    '--port-base: "portBase" is -1, but it must be >= 0'
  ]
]

for (const [what, said, sentence] of MISTAKES) {
  mistakes(`${what} is answered in one sentence`, () => assert.is(refusal(said), sentence))
}

mistakes('an unknown personality is answered with those that there are', () => {
  const known = personalities.map(({ name }) => name).join(', ')
  assert.match(refusal({ flags: { only: 'aws' } }), `"aws", but`)
  assert.match(refusal({ flags: { only: 'aws' } }), known)
  assert.match(refusal({ file: { compatibilityPorts: { 1883: 'mqtt' } } }), known)
})

mistakes('what a program says is looked at as much as what a person does', () => {
  assert.match(refusal({ flags: { only: ['aws-iot', 'aws'] } }), '"only.1" is "aws", but')
  assert.match(refusal({ flags: { portBase: 70_000 } }), '"portBase" is 70000, but')
  assert.match(refusal({ flags: { hints: 1 } }), '"hints" is 1, but')
  assert.match(refusal({ flags: { auth: 'loose' } }), '"auth" is "loose", but')
})

mistakes('no setting has a schema of which a part is not looked at', () => {
  const looked = ['type', 'minimum', 'maximum', 'minLength', 'items', 'enum']
  for (const { schema } of Object.values<Setting>(settings)) {
    assert.equal(
      Object.keys(schema).filter((keyword) => !looked.includes(keyword)),
      []
    )
  }
})

mistakes('a compatibility port is a number', () => {
  assert.match(refusal({ file: { compatibilityPorts: { mqtt: 'aws-iot' } } }), 'compatibilityPorts')
})

mistakes('the file is named', () =>
  withFolder(async (folder) => {
    const path = join(folder, 'mine.json')
    writeFileSync(path, '{"auth":true}')
    assert.throws(
      () => readConfiguration(personalities, {}, {}, { path }),
      (error: Error) => error.message.startsWith(`${path}: "auth" is true`)
    )
  })
)

mistakes.run()

const schema = suite('configuration schema')

schema('knows every setting, the plain door, the extra ports and every personality', () => {
  const known = Object.keys(configSchema(personalities).properties as object)
  const wanted = [
    ...Object.keys(settings),
    'plainDoor',
    'compatibilityPorts',
    ...personalities.map(({ name }) => name)
  ]
  assert.equal(
    wanted.filter((name) => !known.includes(name)),
    []
  )
  assert.is(compileSchema(configSchema(personalities))({ $schema: 'x', portBase: 0 }), undefined)
})

schema.run()
