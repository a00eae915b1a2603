// Every filter as a subscription of its own, every value as an event: one publish, one receiver, and what
// each subscription was sent is all that passes it. What the documentation leaves open (a value of another
// type under a negative operator) is as @fogbank/cloudevents has it.
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import type { SubscriptionFilter } from './definition.ts'
import { order, webhook, withDelivery } from './testing.ts'

const NONE = Symbol('no such key')

/** What stands under `data.v` of the event whose id is the name. */
const VALUES: Record<string, unknown> = {
  missing: NONE,
  null: null,
  zero: 0,
  five: 5,
  six: 6,
  half: 6.5,
  'text-six': '6',
  true: true,
  false: false,
  object: { w: 1 },
  empty: '',
  red: 'a RED lamp',
  green: 'green',
  orders: 'Orders/1.JPG',
  'new-orders': 'new-orders/1.jpg.txt',
  'no-elements': [],
  numbers: [1, 6],
  texts: ['Orders/1.jpg', 'red'],
  booleans: [false, true],
  mixed: ['6', true, 1]
}
const NAMES = [...Object.keys(VALUES), 'other']
/** An event with another envelope, and nothing under `data.v`. */
const OTHER = {
  subject: 'returns/2',
  eventType: 'Shop.OrderReturned',
  dataVersion: '2.0',
  data: { deep: { V: 7 } }
}

const but = (...names: string[]) => NAMES.filter((name) => !names.includes(name))

/** operator, operands, what passes, what passes too when arrays are looked into, what does not any more. */
type AdvancedRow = [
  operatorType: string,
  operands: object,
  passes: string[],
  more?: string[],
  less?: string[]
]

const TEXTS = ['text-six', 'empty', 'red', 'green', 'orders', 'new-orders']
const textsBut = (...names: string[]) => TEXTS.filter((name) => !names.includes(name))
/** No element of these is a text that the rows below are after. */
const HARMLESS = ['no-elements', 'numbers', 'booleans', 'mixed']

const ADVANCED: AdvancedRow[] = [
  ['NumberGreaterThan', { value: 5 }, ['six', 'half'], ['numbers']],
  ['NumberGreaterThanOrEquals', { value: 5 }, ['five', 'six', 'half'], ['numbers']],
  ['NumberGreaterThanOrEquals', { value: 6.5 }, ['half']],
  ['NumberLessThan', { value: 5 }, ['zero'], ['numbers', 'mixed']],
  ['NumberLessThanOrEquals', { value: 5 }, ['zero', 'five'], ['numbers', 'mixed']],
  ['NumberLessThan', { value: 0 }, []],
  ['NumberIn', { values: [0, 6] }, ['zero', 'six'], ['numbers']],
  ['NumberNotIn', { values: [0, 6] }, but('zero', 'six'), [], ['numbers']],
  [
    'NumberInRange',
    {
      values: [
        [0, 5],
        [6.5, 9]
      ]
    },
    ['zero', 'five', 'half'],
    ['numbers', 'mixed']
  ],
  ['NumberNotInRange', { values: [[0, 5]] }, but('zero', 'five'), [], ['numbers', 'mixed']],
  ['BoolEquals', { value: true }, ['true'], ['booleans', 'mixed']],
  ['BoolEquals', { value: false }, ['false'], ['booleans']],
  ['StringContains', { values: ['red', '/1'] }, ['red', 'orders', 'new-orders'], ['texts']],
  ['StringContains', { values: ['6'] }, ['text-six'], ['mixed']],
  ['StringBeginsWith', { values: ['ORD', 'gre'] }, ['orders', 'green'], ['texts']],
  ['StringEndsWith', { values: ['.jpg'] }, ['orders'], ['texts']],
  ['StringIn', { values: ['GREEN', '6'] }, ['green', 'text-six'], ['mixed']],
  ['StringIn', { values: ['null', 'undefined', 'true'] }, []],
  ['StringNotContains', { values: ['red'] }, textsBut('red'), HARMLESS],
  ['StringNotContains', { values: ['RED', 'EE'] }, textsBut('red', 'green'), HARMLESS],
  ['StringNotBeginsWith', { values: ['ORD'] }, textsBut('orders'), HARMLESS],
  ['StringNotEndsWith', { values: ['.jpg'] }, textsBut('orders'), HARMLESS],
  ['StringNotIn', { values: ['GREEN', 'RED'] }, but('green'), [], ['texts']],
  ['IsNullOrUndefined', {}, ['missing', 'null', 'other']],
  ['IsNotNull', {}, but('missing', 'null', 'other')]
]

const is = (operatorType: string, key: string, operands: object = {}) => ({
  operatorType,
  key,
  ...operands
})

/** What a subscription asks for, and the ids of what it gets. */
type Row = [filter: SubscriptionFilter, passes: string[]]

const alike = (key: string, ...values: string[]): SubscriptionFilter => ({
  advancedFilters: [is('StringIn', key, { values })]
})

const ROWS: Row[] = [
  ...ADVANCED.flatMap(([operatorType, operands, passes, more = [], less = []]): Row[] => {
    const advancedFilters = [is(operatorType, 'data.v', operands)]
    const inArrays = [...passes.filter((name) => !less.includes(name)), ...more]
    return [
      [{ advancedFilters }, passes],
      [{ advancedFilters, enableAdvancedFilteringOnArrays: true }, inArrays]
    ]
  }),
  [{ includedEventTypes: ['shop.orderreturned'] }, ['other']],
  [{ includedEventTypes: ['Shop.Order', 'Shop.OrderReturned'] }, ['other']],
  [{ includedEventTypes: ['Shop.Other'] }, []],
  [{ includedEventTypes: ['All'] }, NAMES],
  [{ includedEventTypes: [] }, NAMES],
  [{ subjectBeginsWith: 'RETURNS/' }, ['other']],
  [{ subjectBeginsWith: 'RETURNS/', isSubjectCaseSensitive: true }, []],
  [{ subjectBeginsWith: 'returns/', isSubjectCaseSensitive: true }, ['other']],
  [{ subjectBeginsWith: 'returns/*' }, []],
  [{ subjectEndsWith: '/2' }, ['other']],
  [{ subjectBeginsWith: 'returns/', subjectEndsWith: '1' }, []],
  [{ subjectBeginsWith: 'returns/', subjectEndsWith: '2' }, ['other']],
  [{ subjectBeginsWith: '', subjectEndsWith: '' }, NAMES],
  [{ subjectEndsWith: '/1', ...alike('id', 'other', 'six') }, ['six']],
  [{ includedEventTypes: ['Shop.OrderPlaced'], ...alike('ID', 'OTHER', 'SIX') }, ['six']],
  [alike('Subject', 'RETURNS/2'), ['other']],
  [alike('EventType', 'shop.orderreturned'), ['other']],
  [alike('dataVersion', '2.0'), ['other']],
  [{ advancedFilters: [is('StringContains', 'topic', { values: ['/TOPICS/'] })] }, NAMES],
  [{ advancedFilters: [is('StringContains', 'Topic', { values: ['/domains/'] })] }, []],
  [{ advancedFilters: [is('NumberGreaterThan', 'Data.V', { value: 5 })] }, ['six', 'half']],
  [{ advancedFilters: [is('NumberIn', 'data.deep.v', { values: [7] })] }, ['other']],
  [{ advancedFilters: [is('IsNotNull', 'data.v.w')] }, ['object']],
  [{ advancedFilters: [is('IsNotNull', 'data.v.length')] }, []],
  [{ advancedFilters: [is('IsNotNull', 'data.v.0')] }, []],
  [{ advancedFilters: [is('IsNotNull', 'data.toString')] }, []],
  [
    {
      advancedFilters: [
        is('NumberGreaterThan', 'data.v', { value: 5 }),
        is('NumberLessThan', 'data.v', { value: 6.2 })
      ]
    },
    ['six']
  ]
]

/** Of a topic that takes CloudEvents: attributes and extensions stand beside `data`. */
const CLOUD_EVENTS = [
  { id: 'five', type: 'a.b', source: '/s', comexampleothervalue: 5, data: { v: 5 } },
  { id: 'text', type: 'a.c', source: '/t', subject: 'Sub', comexampleothervalue: 'x5' },
  { id: 'yes', type: 'a.c', source: '/t', flag: true, data: [5] }
]
const CLOUD_ROWS: Row[] = [
  [
    { advancedFilters: [is('StringBeginsWith', 'comexampleothervalue', { values: ['5'] })] },
    ['five']
  ],
  [{ advancedFilters: [is('NumberGreaterThan', 'comExampleOtherValue', { value: 4 })] }, ['five']],
  [alike('flag', 'TRUE'), ['yes']],
  [{ advancedFilters: [is('BoolEquals', 'flag', { value: true })] }, ['yes']],
  [{ advancedFilters: [is('IsNullOrUndefined', 'comexampleothervalue')] }, ['yes']],
  [alike('type', 'A.C'), ['text', 'yes']],
  [alike('source', '/S'), ['five']],
  [alike('specversion', '1.0'), ['five', 'text', 'yes']],
  [alike('subject', 'sub'), ['text']],
  [{ includedEventTypes: ['A.B'] }, ['five']],
  [{ subjectBeginsWith: 'S' }, ['text']],
  [{ advancedFilters: [is('NumberIn', 'data.v', { values: [5] })] }, ['five']]
]

/** Of a topic with a schema of its own: keys are looked up in the whole object, as `data`. */
const CUSTOM_EVENTS = [
  { key: 'one', total: 1, kind: 'Shop.A' },
  { key: 'two', total: 2, kind: 'Shop.B', list: ['x'] }
]
const CUSTOM_ROWS: Row[] = [
  [{ advancedFilters: [is('NumberGreaterThan', 'data.total', { value: 1 })] }, ['two']],
  [{ includedEventTypes: ['shop.a'] }, ['one']],
  [alike('data.key', 'ONE'), ['one']],
  [alike('id', 'two'), ['two']],
  [{ ...alike('data.list', 'X'), enableAdvancedFilteringOnArrays: true }, ['two']],
  [alike('data.list', 'X'), []]
]

const TOPICS = {
  orders: {
    rows: ROWS,
    topic: {},
    events: [
      ...Object.entries(VALUES).map(([id, v]) => order({ id, data: v === NONE ? {} : { v } })),
      order({ id: 'other', ...OTHER })
    ],
    type: 'application/json'
  },
  cloud: {
    rows: CLOUD_ROWS,
    topic: { inputSchema: 'CloudEventSchemaV1_0' },
    events: CLOUD_EVENTS.map((event) => ({ specversion: '1.0', ...event })),
    type: 'application/cloudevents-batch+json'
  },
  custom: {
    rows: CUSTOM_ROWS,
    topic: {
      inputSchema: 'CustomEventSchema',
      inputSchemaMapping: {
        id: { sourceField: 'key' },
        eventType: { sourceField: 'kind' },
        subject: { defaultValue: 's' },
        dataVersion: { defaultValue: '1' }
      }
    },
    events: CUSTOM_EVENTS,
    type: 'application/json'
  }
}

let delivered: Promise<Map<string, string[]>> | undefined

/** Publishes every event once; the ids that came, in their order, by topic and row. */
function deliver(): Promise<Map<string, string[]>> {
  return (delivered ??= publishAll())
}

async function publishAll(): Promise<Map<string, string[]>> {
  const arrived = new Map<string, string[]>()
  const topics = (url: string) =>
    Object.entries(TOPICS).map(([name, { rows, topic }]) => ({
      name,
      ...topic,
      eventSubscriptions: rows.map(([filter], at) => {
        const one = webhook(`row-${at}`, `${url}/${name}/${at}`, { filter })
        Object.assign(one.destination.properties, { maxEventsPerBatch: 100 })
        return one
      })
    }))
  await withDelivery(
    (url) => ({ topics: topics(url) }),
    async (world) => {
      world.receiver.react = ({ url, text }) => {
        const ids = (JSON.parse(text) as { id: string }[]).map(({ id }) => id)
        const [, , topic, at] = url.split('/')
        const key = `${topic} ${at}`
        arrived.set(key, [...(arrived.get(key) ?? []), ...ids])
        return { status: 200 }
      }
      const rows = Object.values(TOPICS).flatMap(({ rows }) => rows)
      await world.logged(/handshake row-\d+ Succeeded/, rows.length)
      for (const [name, { events, type }] of Object.entries(TOPICS)) {
        const body = JSON.stringify(events)
        const answer = await world.post(`/${name}/api/events`, body, { 'content-type': type })
        assert.is(answer.status, 200, answer.body.toString())
      }
      const some = rows.filter(([, passes]) => passes.length > 0)
      await world.logged(/delivery row-\d+ delivered/, some.length)
      // An end waits for what is under way: what should not have come would come before it.
      await world.fogbank.close()
    }
  )
  return arrived
}

const filters = suite('filters through the door')

for (const [topic, { rows, events }] of Object.entries(TOPICS)) {
  const order = (events as { id?: string; key?: string }[]).map(({ id, key }) => id ?? key)
  for (const [at, [filter, passes]] of rows.entries()) {
    filters(`${topic}: ${JSON.stringify(filter)}`, async () => {
      const arrived = await deliver()
      const expected = order.filter((id) => passes.includes(id!))
      assert.equal(arrived.get(`${topic} ${at}`) ?? [], expected)
      assert.is(expected.length, passes.length, 'the row names events that are not there')
    })
  }
}

filters('are more than 80, with each operator among them', () => {
  const operators = new Set(ADVANCED.map(([operatorType]) => operatorType))
  assert.is(operators.size, 19)
  assert.ok(ROWS.length + CLOUD_ROWS.length + CUSTOM_ROWS.length >= 80)
})

filters.run()
