// The vendor's Web PubSub SDK for Java.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { DEVELOPMENT_KEYS } from '@fogbank/authority'
import { ANSWERS, deviceUrl, MESSAGES } from '../web-pubsub.ts'
import { missingJava, prepareJava, runJava, withTrustedFogbank } from './environment.ts'

const ID = 'azure-web-pubsub'

const ORDERED: Record<string, [type: string, status: number, code: string]> = {
  HubNameInvalid: ['HttpResponseException', 400, 'Error.BadRequest'],
  TokenInvalid: ['ClientAuthenticationException', 401, ''],
  RoleMissing: ['HttpResponseException', 403, 'Error.Forbidden'],
  PermissionsConflict: ['ResourceModifiedException', 409, 'Error.Connection.Conflict'],
  InternalError: ['HttpResponseException', 500, 'Error.InternalServerError'],
  ServiceUnavailable: ['HttpResponseException', 503, 'Error.ServiceUnavailable']
}

const sdk = suite('azure-web-pubsub SDK for Java')
const reason = await missingJava()

if (reason !== undefined) {
  sdk(`is left out: ${reason}`, () => console.log(reason))
} else {
  sdk('runs every method over http and https, and tells refusals apart', () =>
    withTrustedFogbank({ only: [ID] }, async (world) => {
      await prepareJava()
      const { http, https } = world.fogbank.endpoints[ID] as { http: string; https: string }
      const toString = (endpoint: string) =>
        `Endpoint=${endpoint};AccessKey=${DEVELOPMENT_KEYS.webPubSubKey};Version=1.0;`
      const options = { clientId: 'device1', keepalive: 60 }
      const device = await world.mqtt({ at: ID, url: deviceUrl(http) }, options)
      const outcomes = await runJava(world, {
        name: 'WebPubSub',
        given: () => ({
          connectionStrings: { http: toString(http), https: toString(https) },
          control: world.fogbank.endpoints.control!.http,
          rows: Object.keys(ORDERED)
        })
      })
      const path = '/clients/mqtt/hubs/chat'
      assert.equal(outcomes, {
        http: { url: `${http.replace('http', 'ws')}${path}`, ...ANSWERS },
        https: { url: `${https.replace('http', 'ws')}${path}`, ...ANSWERS },
        'wrong key': ['ClientAuthenticationException', 401, ''],
        'no connection': ['ResourceNotFoundException', 404, 'Error.Connection.NotExisted'],
        ...ORDERED
      })
      for (const payload of [...MESSAGES, ...MESSAGES]) {
        assert.is((await device.next()).payload.toString(), payload)
      }
    })
  )
}

sdk.run()
