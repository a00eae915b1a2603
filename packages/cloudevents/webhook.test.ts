import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { judgeWebhookAnswer, toWebhookValidation, type WebhookVerdict } from './index.ts'

const webhooks = suite('CloudEvents web hooks')

webhooks('are asked with OPTIONS, who asks and where to answer later', () => {
  assert.equal(toWebhookValidation({ url: 'http://x/', origin: 'cloud.test' }), {
    method: 'OPTIONS',
    url: 'http://x/',
    headers: { 'WebHook-Request-Origin': 'cloud.test' }
  })
  const { headers } = toWebhookValidation({ url: 'http://x/', origin: 'o', callback: 'http://y/' })
  assert.is(headers['WebHook-Request-Callback'], 'http://y/')
})

const ANSWERS: [status: number, headers: Record<string, string>, verdict: WebhookVerdict][] = [
  [200, { 'webhook-allowed-origin': 'cloud.test' }, {}],
  [204, { 'webhook-allowed-origin': 'Cloud.Test' }, {}],
  [200, { 'webhook-allowed-origin': '*' }, {}],
  [200, { 'webhook-allowed-origin': '*', 'webhook-allowed-rate': '120' }, { ratePerMinute: 120 }],
  [200, { 'webhook-allowed-origin': '*', 'webhook-allowed-rate': '*' }, {}],
  [200, { 'webhook-allowed-origin': '*', 'webhook-allowed-rate': '0' }, {}],
  [200, { 'webhook-allowed-origin': 'other.test' }, 'refused'],
  [200, {}, 'later'],
  [202, {}, 'refused'],
  [404, {}, 'unready'],
  [500, {}, 'unready']
]
for (const [status, headers, verdict] of ANSWERS) {
  webhooks(`${status} with ${JSON.stringify(headers)} means ${JSON.stringify(verdict)}`, () => {
    assert.equal(judgeWebhookAnswer({ status, headers }, 'cloud.test'), verdict)
  })
}

webhooks.run()
