// A runner that accepts everything would be a green test of nothing: each transcript below says one thing
// that is not so.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readAdapter, readFixtures } from './fixtures.ts'
import { runTranscript, type Fixture } from './runner.ts'
import type { Step } from './transcript.ts'

const fixtures = readFixtures()
const find = (path: string): Fixture => fixtures.find((fixture) => fixture.path === path)!
const reaches = find('aws-iot/Publish/200-reaches-subscriber.json')
const tooLong = find('aws-iot/Publish/400-topic-too-long.json')
const told = find('azure-web-pubsub/CloseConnection/204-json-client-is-told.json')
const roundTrip = find('azure-web-pubsub/ConnectMqtt/101-event-round-trip.json')

/** The same exchange with the steps of this kind changed. */
function bend(fixture: Fixture, kind: string, change: object): Fixture {
  const steps = fixture.transcript.steps.map((step) =>
    Object.values(step).includes(kind) ? { ...step, ...change } : step
  ) as Step[]
  return { ...fixture, transcript: { ...fixture.transcript, steps } }
}

const CASES: [name: string, bent: Fixture, complaint: RegExp][] = [
  ['another status', bend(reaches, 'response', { status: 202 }), /step 4 \(http response\)/],
  ['another body', bend(reaches, 'response', { empty: undefined, text: 'x' }), /\(http response\)/],
  [
    'another header',
    bend(reaches, 'response', { headers: { 'x-amzn-RequestId': '<etag>' } }),
    /\(http response\)/
  ],
  [
    'a header that is there',
    bend(reaches, 'response', { headers: { 'x-amzn-RequestId': null } }),
    /\(http response\)/
  ],
  ['another member of JSON', bend(tooLong, 'response', { json: {} }), /\(http response\)/],
  ['another payload', bend(reaches, 'receive', { text: 'x' }), /step 5 \(mqtt receive\)/],
  ['another topic', bend(reaches, 'receive', { topic: 'x' }), /\(mqtt receive\)/],
  ['another retain', bend(reaches, 'receive', { retain: true }), /\(mqtt receive\)/],
  [
    'a property that did not come',
    bend(reaches, 'receive', { properties: { contentType: 'x' } }),
    /\(mqtt receive\)/
  ],
  ['silence where a message came', bend(reaches, 'receive', { mqtt: 'nothing' }), /was sent plant/],
  ['another granted QoS', bend(reaches, 'subscribe', { granted: 0 }), /\(mqtt subscribe\)/],
  ['an answer where none was to come', bend(reaches, 'subscribe', { granted: null }), /SUBACK 1/],
  ['a CONNACK that refuses', bend(reaches, 'connect', { refused: 0x87 }), /\(mqtt connect\)/],
  ['another WebSocket message', bend(told, 'receive', { json: {} }), /\(ws receive\)/],
  ['a binary message', bend(told, 'receive', { json: undefined, base64: '' }), /\(ws receive\)/],
  ['another closing code', bend(told, 'closed', { code: 1001 }), /\(ws closed\)/],
  ['another closing reason', bend(told, 'closed', { reason: 'x' }), /\(ws closed\)/],
  [
    'another header to the handler',
    bend(roundTrip, 'request', { headers: { 'ce-type': 'x' } }),
    /\(handler request\)/
  ],
  ['another body to the handler', bend(roundTrip, 'request', { text: 'x' }), /\(handler request\)/],
  ['another answer of the handler', bend(roundTrip, 'answer', { text: 'x' }), /\(mqtt receive\)/],
  ['another operation', { ...reaches, operation: 'Connect' }, /no line of the log fits/],
  ['another status in its name', { ...reaches, status: 204 }, /no line of the log fits/],
  [
    'another row',
    { ...tooLong, transcript: { ...tooLong.transcript, raises: 'TopicInvalid' } },
    /no line of the log fits/
  ]
]

const runner = suite('transcript runner')

for (const [name, bent, complaint] of CASES) {
  runner(`does not accept ${name}`, async () => {
    const adapter = await readAdapter(bent.personality)
    const outcome = await runTranscript(bent, adapter, 'sockets').then(
      () => 'accepted',
      (error: Error) => error.message
    )
    assert.match(outcome, complaint)
  })
}

runner('a value captured from one answer stands in the next request', async () => {
  const desktop = find('shiftr/PublishMessage/200-clears-retained.json')
  const post = (url: string, text: string): Step => ({ http: 'request', method: 'POST', url, text })
  const get = (url: string): Step => ({ http: 'request', method: 'GET', url })
  const posted: Step = { http: 'response', status: 200, empty: true }
  const steps: Step[] = [
    post('/broker/a', 'x'),
    posted,
    get('/broker/a'),
    { http: 'response', status: 200, headers: { 'x-fogbank-seq': '<name:seq>' }, text: 'x' },
    post('/broker/<same:seq>', '<same:seq>'),
    posted,
    get('/broker/@'),
    { http: 'response', status: 200, headers: { 'x-fogbank-topic': '<same:seq>' }, text: '<any>' }
  ]
  const adapter = await readAdapter(desktop.personality)
  const play = (played: Step[]) =>
    runTranscript(
      { ...desktop, transcript: { ...desktop.transcript, steps: played } },
      adapter,
      'sockets'
    )
  await play(steps)
  // Another topic than the one that was captured is noticed.
  const bent = [...steps.slice(0, 4), post('/broker/other', 'x'), ...steps.slice(5)]
  const outcome = await play(bent).then(
    () => 'accepted',
    (error: Error) => error.message
  )
  assert.match(outcome, /step 8 \(http response\)/)
})

runner.run()
