// The set-up script of a device, with the SDK that such scripts use, and what its policy then allows.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import {
  AttachPolicyCommand,
  AttachThingPrincipalCommand,
  CreateKeysAndCertificateCommand,
  CreatePolicyCommand,
  CreateThingCommand,
  DeleteThingCommand,
  DescribeEndpointCommand,
  DescribeThingCommand,
  ListThingGroupsCommand,
  ListThingsCommand
} from '@aws-sdk/client-iot'
import type { IClientOptions } from 'mqtt'
import { attempt, withSuite, type Fogbank } from './testing-suite.ts'

const ARN = 'arn:aws:iot:us-east-1:123456789012'
/** Only as the thing that the certificate is attached to, and only on topics of its own. */
const DEVICE_POLICY = JSON.stringify({
  Version: '2012-10-17',
  Statement: [
    {
      Effect: 'Allow',
      Action: 'iot:Connect',
      Resource: `${ARN}:client/\${iot:Connection.Thing.ThingName}`,
      Condition: { Bool: { 'iot:Connection.Thing.IsAttached': ['true'] } }
    },
    {
      Effect: 'Allow',
      Action: 'iot:Publish',
      Resource: `${ARN}:topic/\${iot:Connection.Thing.ThingName}/*`
    }
  ]
})

const controlPlane = suite('aws-iot control plane')

controlPlane(
  'sets up a device that may do what its policy says, and keeps it over a restart',
  async () => {
    const folder = mkdtempSync(join(tmpdir(), 'fogbank-'))
    let device: IClientOptions = {}
    const check = async (fogbank: Fogbank) => {
      assert.equal(await attempt(fogbank, { ...device, clientId: 'lamp' }, 'lamp/on'), [0, 0])
      assert.equal(await attempt(fogbank, { ...device, clientId: 'lamp' }, 'door/on'), [0, 0x87])
      assert.equal(await attempt(fogbank, { ...device, clientId: 'door' }, 'door/on'), [0x87])
    }
    try {
      await withSuite(folder, async (fogbank, iot) => {
        await iot.send(new CreateThingCommand({ thingName: 'lamp' }))
        await iot.send(new CreateThingCommand({ thingName: 'door' }))
        const made = await iot.send(new CreateKeysAndCertificateCommand({ setAsActive: true }))
        const principal = made.certificateArn!
        assert.match(principal, new RegExp(`^${ARN}:cert/[0-9a-f]{64}$`))
        device = { cert: made.certificatePem!, key: made.keyPair!.PrivateKey! }
        // Without a policy nothing is allowed.
        assert.equal(await attempt(fogbank, { ...device, clientId: 'lamp' }, 'lamp/on'), [0x87])
        await iot.send(
          new CreatePolicyCommand({ policyName: 'own', policyDocument: DEVICE_POLICY })
        )
        await iot.send(new AttachPolicyCommand({ policyName: 'own', target: principal }))
        assert.equal(await attempt(fogbank, { ...device, clientId: 'lamp' }, 'lamp/on'), [0x87])
        await iot.send(new AttachThingPrincipalCommand({ thingName: 'lamp', principal }))
        await check(fogbank)
      })
      await withSuite(folder, async (fogbank, iot) => {
        const { things } = await iot.send(new ListThingsCommand({}))
        assert.equal(
          things?.map(({ thingName }) => thingName),
          ['door', 'lamp']
        )
        await check(fogbank)
      })
    } finally {
      rmSync(folder, { recursive: true })
    }
  }
)

controlPlane('keeps a certificate out that is not active', () =>
  withSuite(undefined, async (fogbank, iot) => {
    const made = await iot.send(new CreateKeysAndCertificateCommand({}))
    const device = { cert: made.certificatePem!, key: made.keyPair!.PrivateKey! }
    assert.equal(await attempt(fogbank, { ...device, clientId: 'lamp' }, 'a'), [0x87])
  })
)

controlPlane('names the host that was asked as the endpoint, and knows things', () =>
  withSuite(undefined, async (fogbank, iot) => {
    const { http } = fogbank.endpoints['aws-iot'] as { http: string }
    const endpointType = 'iot:Data-ATS'
    const { endpointAddress } = await iot.send(new DescribeEndpointCommand({ endpointType }))
    assert.is(`http://${endpointAddress}`, http)
    const attributes = { colour: 'red' }
    const attributePayload = { attributes }
    await iot.send(new CreateThingCommand({ thingName: 'lamp', attributePayload }))
    const found = await iot.send(new DescribeThingCommand({ thingName: 'lamp' }))
    assert.equal([found.attributes, found.version], [attributes, 1])
    const query = { attributeName: 'colour', attributeValue: 'blue' }
    assert.equal((await iot.send(new ListThingsCommand(query))).things, [])
    await iot.send(new DeleteThingCommand({ thingName: 'lamp' }))
    assert.equal((await iot.send(new ListThingsCommand({}))).things, [])
  })
)

controlPlane('answers the errors that the SDK models by name', () =>
  withSuite(undefined, async (_fogbank, iot) => {
    const nameOf = async (sent: Promise<unknown>) => {
      try {
        await sent
        return 'success'
      } catch (error) {
        return (error as Error).name
      }
    }
    const missing = new DescribeThingCommand({ thingName: 'lamp' })
    assert.is(await nameOf(iot.send(missing)), 'ResourceNotFoundException')
    const malformed = new CreatePolicyCommand({ policyName: 'p', policyDocument: '{}' })
    assert.is(await nameOf(iot.send(malformed)), 'MalformedPolicyException')
    const unknown = new ListThingGroupsCommand({})
    assert.is(await nameOf(iot.send(unknown)), 'UnknownOperationException')
  })
)

controlPlane('forgets everything on a reset', () =>
  withSuite(undefined, async (fogbank, iot) => {
    await iot.send(new CreateThingCommand({ thingName: 'lamp' }))
    await fogbank.reset()
    assert.equal((await iot.send(new ListThingsCommand({}))).things, [])
  })
)

controlPlane.run()
