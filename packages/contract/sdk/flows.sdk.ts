// AWS Publish, an event with a token, a Web PubSub message: over https, by the variables of `fogbank env`.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { LANGUAGES, runFlows } from './flows.ts'

const FLOWS = ['aws-iot', 'azure-event-grid-namespaces', 'azure-web-pubsub']

/** Where the vendors' libraries are sent, each over TLS. */
const ENDPOINTS = [
  'AWS_ENDPOINT_URL_IOT_DATA_PLANE',
  'FOGBANK_AZURE_EVENT_GRID_NAMESPACES_ENDPOINT',
  'AZURE_AUTHORITY_HOST',
  'WebPubSubConnectionString'
]

const flows = suite('the three flows by the variables of fogbank env')

for (const language of LANGUAGES) {
  const { name } = language
  const reason = await language.missing()
  if (reason !== undefined) {
    flows(`are left out in ${name}: ${reason}`, () => console.log(reason))
    continue
  }
  flows(`arrive from ${name}`, async () => {
    await language.prepare()
    const message = `hello from ${name}`
    const { told, arrived, variables, problems } = await runFlows(language, message)
    assert.equal(
      told,
      FLOWS.map((flow) => ({ flow }))
    )
    assert.equal(arrived, Object.fromEntries(FLOWS.map((flow) => [flow, message])))
    for (const variable of ENDPOINTS) {
      assert.match(variables[variable]!, /^(?:Endpoint=)?https:\/\/localhost:\d+/)
    }
    assert.equal(problems, [])
  })
}

flows.run()
