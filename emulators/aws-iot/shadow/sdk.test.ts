// The vendor's own SDK, every error of a shadow's operations by its class.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  DeleteThingShadowCommand,
  GetThingShadowCommand,
  ListNamedShadowsForThingCommand,
  UpdateThingShadowCommand
} from '@aws-sdk/client-iot-data-plane'
import { failureOf } from '@fogbank/contract/testing'
import { withFogbank } from '../testing-fogbank.ts'

const shadows = suite('aws-iot SDK shadow errors')

const COMMON = [
  'MethodNotAllowed',
  'Unauthorized',
  'Throttled',
  'InternalFailure',
  'ServiceUnavailable'
]
for (const [operation, command, rows] of [
  [
    'GetThingShadow',
    () => new GetThingShadowCommand({ thingName: 'a' }),
    ['RequestMalformed', 'ShadowEncodingUnsupported']
  ],
  [
    'UpdateThingShadow',
    () => new UpdateThingShadowCommand({ thingName: 'a', payload: '{"state":{}}' }),
    ['ShadowJsonInvalid', 'ShadowVersionConflict', 'PayloadTooLarge', 'ShadowEncodingUnsupported']
  ],
  [
    'DeleteThingShadow',
    () => new DeleteThingShadowCommand({ thingName: 'a' }),
    ['RequestMalformed', 'ShadowEncodingUnsupported']
  ],
  [
    'ListNamedShadowsForThing',
    () => new ListNamedShadowsForThingCommand({ thingName: 'a' }),
    ['NextTokenInvalid', 'RequestMalformed']
  ]
] as const) {
  shadows(`knows every error of ${operation} by its class`, () =>
    withFogbank(async ({ fogbank, sdk }) => {
      const { definition, faults } = fogbank.personalities.get('aws-iot')!
      const client = sdk()
      for (const row of [...COMMON, ...rows]) {
        faults.order(operation, row, 1)
        const error = await failureOf(client.send(command() as never))
        const { code, message, status } = definition.errors[row]!.row
        assert.equal(
          [error.name, error.constructor.name, error.message, error.$metadata.httpStatusCode],
          [code, code, message, status]
        )
      }
    })
  )
}

shadows.run()
