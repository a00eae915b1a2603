import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { withNamespace, type Answer, type World } from './testing.ts'

const retained = suite('azure-event-grid-namespaces Retain API')

const VERSION = 'api-version=2025-11-16-preview'
const SUBSCRIBER = 'EventGrid TopicSpaces Subscriber'

const get = (world: World, query: string, token?: string) =>
  world.signed({ method: 'GET', target: `/mqtt/retainedMessages/message?${query}` }, token)
const list = (world: World, query: string, token?: string) =>
  world.signed({ method: 'GET', target: `/mqtt/retainedMessages?${query}` }, token)
const keep = (world: World, topic: string, body: string, headers = {}) =>
  world.publish(topic, { query: '&retain=1', body, headers: { 'Content-Type': 'a/b', ...headers } })

const codeOf = ({ status, text }: Answer): [number, string] => [
  status,
  JSON.parse(text).error.message
]

retained('tells the message kept under a topic, until it is emptied', () =>
  withNamespace({}, async (world) => {
    await keep(world, 'lab/dev1/cmd/state', '{"on":true}')
    const query = `topic=lab%2Fdev1%2Fcmd%2Fstate&${VERSION}`
    const reply = await get(world, query)
    assert.is(reply.status, 200)
    assert.is(reply.text, '{"on":true}')
    // 1 + 1 header bytes, topic 2 + 18, packet id 2, properties 1 + (1 + 2 + 3), payload 11.
    assert.equal(reply.headers, {
      'content-length': '11',
      'content-type': 'application/octet-stream',
      'x-ms-mqtt-topic': 'lab/dev1/cmd/state',
      'x-ms-mqtt-qos': '1',
      'x-ms-mqtt-size': '42',
      'x-ms-mqtt-last-modified': '2026-01-02T03:04:05.000Z'
    })
    await world.publish('lab/dev1/cmd/state', { query: '&retain=1', body: '' })
    assert.equal(codeOf(await get(world, query)), [
      404,
      "There is no retained message for the topic 'lab/dev1/cmd/state'."
    ])
  })
)

retained('tells when a message expires, and forgets it then', () =>
  withNamespace({}, async (world) => {
    await keep(world, 'a', 'x', { 'mqtt-message-expiry': '60' })
    world.clock.advance(59_000)
    const { headers } = await get(world, `topic=a&${VERSION}`)
    assert.is(headers['x-ms-mqtt-expiry'], '2026-01-02T03:05:05.000Z')
    world.clock.advance(1_000)
    assert.is((await get(world, `topic=a&${VERSION}`)).status, 404)
  })
)

retained('writes topics beyond ASCII percent-encoded into the header', () =>
  withNamespace({}, async (world) => {
    await keep(world, 'é/☁', 'x')
    const { status, headers } = await get(world, `topic=${encodeURIComponent('é/☁')}&${VERSION}`)
    assert.equal([status, headers['x-ms-mqtt-topic']], [200, '%C3%A9/%E2%98%81'])
  })
)

retained('lists what a filter matches, page by page, each once', () =>
  withNamespace({}, async (world) => {
    const topics = ['lab/a', 'lab/b', 'lab/c', 'lab/d', 'lab/e']
    for (const topic of [...topics, 'other/a']) await keep(world, topic, 'x')
    const seen: string[] = []
    let target = `/mqtt/retainedMessages?topicFilter=${encodeURIComponent('lab/+')}&maxResults=2&${VERSION}`
    for (let pages = 0; target !== '' && pages < 5; pages++) {
      const { status, headers, text } = await world.signed({ method: 'GET', target })
      assert.is(status, 200)
      assert.is(headers['content-type'], 'application/json; charset=utf-8')
      const page = JSON.parse(text)
      assert.equal(Object.keys(page), ['nextLink', 'retainedMessages'])
      for (const item of page.retainedMessages) {
        seen.push(item.topic)
        assert.equal(item, {
          topic: item.topic,
          qos: 1,
          size: 19,
          expiry: null,
          lastModifiedTime: '2026-01-02T03:04:05.000Z'
        })
      }
      target = page.nextLink ? page.nextLink.replace('http://localhost', '') : ''
    }
    assert.equal(seen, topics)
  })
)

retained('does not show what other doors keep and could not be here', () =>
  withNamespace({}, async (world) => {
    const message = { payload: Buffer.from('x'), qos: 0 as const, retain: true }
    await world.space.publish({ ...message, topic: '$info/x' })
    await world.space.publish({ ...message, topic: 'x'.repeat(257) })
    await world.space.publish({ ...message, topic: 'plain' })
    const { text } = await list(world, `topicFilter=%23&${VERSION}`)
    const topics = JSON.parse(text).retainedMessages.map((item: { topic: string }) => item.topic)
    assert.equal(topics, ['plain'])
  })
)

const REFUSALS: [query: string, message: string][] = [
  ['', "The query parameter 'api-version' is required."],
  [VERSION, "The query parameter 'topicFilter' is required."],
  [`topicFilter=a/%23/b&${VERSION}`, 'The topic filter is not valid.'],
  [`topicFilter=${'x'.repeat(257)}&${VERSION}`, 'The topic filter exceeds 256 bytes.'],
  [
    `topicFilter=${Array(16).fill('x').join('/')}&${VERSION}`,
    'The topic filter has more than 15 segments.'
  ],
  [`topicFilter=$SYS/%23&${VERSION}`, "Topics beginning with '$' are reserved."],
  [
    `topicFilter=a&continuationToken=b&${VERSION}`,
    "The query parameters 'topicFilter' and 'continuationToken' exclude each other."
  ],
  [`continuationToken=b&${VERSION}`, "The query parameter 'continuationToken' is not valid."],
  [`continuationToken=_w&${VERSION}`, "The query parameter 'continuationToken' is not valid."],
  [
    `topicFilter=a&maxResults=0&${VERSION}`,
    "The query parameter 'maxResults' must be between 1 and 100."
  ],
  [
    `topicFilter=a&maxResults=101&${VERSION}`,
    "The query parameter 'maxResults' must be between 1 and 100."
  ],
  [
    `topicFilter=a&maxResults=x&${VERSION}`,
    "The query parameter 'maxResults' must be between 1 and 100."
  ]
]

retained('answers a listing that is wrong with 400', () =>
  withNamespace({}, async (world) => {
    for (const [query, message] of REFUSALS) {
      assert.equal(codeOf(await list(world, query)), [400, message], query)
    }
    assert.is((await list(world, `topicFilter=a&maxResults=100&${VERSION}`)).status, 200)
  })
)

retained('takes the subscriber role and a topic space to read', () =>
  withNamespace(
    { settings: { topicSpaces: [{ name: 'lab', topicTemplates: ['lab/#'] }] } },
    async (world) => {
      const reader = await world.mint({ oid: 'reader', roles: [SUBSCRIBER] })
      const writer = await world.mint({
        oid: 'writer',
        roles: ['EventGrid TopicSpaces Publisher']
      })
      assert.is((await list(world, `topicFilter=lab/%23&${VERSION}`, reader)).status, 200)
      assert.equal(codeOf(await list(world, `topicFilter=%23&${VERSION}`, reader)), [
        403,
        "topic filter '#' does not match any topicspaces"
      ])
      assert.equal(codeOf(await get(world, `topic=other&${VERSION}`, reader)), [
        403,
        "topic name 'other' does not match any topicspaces"
      ])
      assert.equal(codeOf(await get(world, `topic=lab/a&${VERSION}`, writer)), [
        403,
        `The principal 'writer' does not hold the role '${SUBSCRIBER}'.`
      ])
      const target = `/mqtt/retainedMessages/message?topic=lab/a&${VERSION}`
      assert.is((await world.send({ method: 'GET', target })).status, 401)
    }
  )
)

retained.run()
