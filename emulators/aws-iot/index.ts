import { definePersonality } from '@fogbank/personality'
import { authenticate } from './auth.ts'
import { errors, render } from './errors.ts'
import type { Settings, State } from './handlers.ts'
import { limits } from './limits.ts'
import { mqtt } from './mqtt.ts'
import { operations } from './operations.ts'
import { settings } from './schemas.ts'
import { createState, WELL_KNOWN } from './state.ts'

/** AWS IoT Core's data plane: the `iotdata` API and the device gateway's MQTT. */
export const awsIot = definePersonality<State, Settings>({
  name: 'aws-iot',
  title: 'AWS IoT Core data plane',
  portOffset: 10,
  operations,
  errors,
  limits,
  // An unsigned call to a path that does not exist is 403, not 404.
  order: ['authenticate', 'match', 'size', 'schema'],
  settings,
  create: createState,
  authenticate,
  render,
  headers: ({ requestId, state }) => ({ Date: state.httpDate(), 'x-amzn-RequestId': requestId }),
  fallbacks: {
    unknownOperation: errors.UnknownOperation,
    methodNotAllowed: errors.MethodNotAllowed,
    malformedTarget: errors.RequestMalformed,
    internal: errors.InternalFailure,
    unavailable: errors.InternalFailure
  },
  mqtt,
  reset: ({ history, registry, rates, shadows }) => {
    history.forget()
    registry.forget()
    shadows.forget()
    rates.forget()
  },
  close({ lifecycle, history, shadows }) {
    lifecycle.close()
    history.close()
    shadows.close()
  },
  describe: ({ accessKeys: [first = WELL_KNOWN] }) => {
    const { accessKeyId, secretAccessKey } = first
    return {
      credential: `access key ${accessKeyId}, secret ${secretAccessKey}`,
      credentials: { accessKeyId, secretAccessKey, region: 'us-east-1' },
      hint: `sign with access key ${accessKeyId} and secret ${secretAccessKey} (SigV4, service iotdata or iotdevicegateway), or start with --auth lenient`,
      webSocketPath: '/mqtt'
    }
  }
})
