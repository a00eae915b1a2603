import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { matchesFilter, topicFilterFault, topicNameFault } from './topic.ts'

const names = suite('topic names')

const NAMES: [topic: string, fault: string | undefined][] = [
  ['a', undefined],
  ['/', undefined],
  ['a//b/', undefined],
  ['$aws/things', undefined],
  ['', 'empty'],
  ['a\0b', 'null-character'],
  ['a\ud800b', 'lone-surrogate'],
  ['a/+', 'wildcard'],
  ['a#', 'wildcard'],
  [Array(100).fill('a').join('/'), undefined],
  [Array(101).fill('a').join('/'), 'too-many-levels'],
  ['é'.repeat(32767), undefined],
  ['é'.repeat(32768), 'too-long']
]

for (const [topic, fault] of NAMES) {
  names(`${JSON.stringify(topic.slice(0, 20))} (${topic.length}) → ${fault ?? 'fine'}`, () => {
    assert.is(topicNameFault(topic), fault)
  })
}

names.run()

const filters = suite('topic filters')

const FILTERS: [filter: string, fault: string | undefined][] = [
  ['#', undefined],
  ['+', undefined],
  ['+/a/#', undefined],
  ['a/#/b', 'wildcard-placement'],
  ['a#', 'wildcard-placement'],
  ['a+/b', 'wildcard-placement'],
  ['a/+b', 'wildcard-placement'],
  ['', 'empty']
]

for (const [filter, fault] of FILTERS) {
  filters(`${filter} → ${fault ?? 'fine'}`, () => assert.is(topicFilterFault(filter), fault))
}

filters.run()

const matching = suite('matching')

// MQTT 3.1.1 and 5, section 4.7, with its own examples first.
const MATCHES: [filter: string, topic: string, matches: boolean][] = [
  ['sport/tennis/player1/#', 'sport/tennis/player1', true],
  ['sport/tennis/player1/#', 'sport/tennis/player1/ranking', true],
  ['sport/tennis/player1/#', 'sport/tennis/player1/score/wimbledon', true],
  ['sport/#', 'sport', true],
  ['sport/tennis/+', 'sport/tennis/player1', true],
  ['sport/tennis/+', 'sport/tennis/player1/ranking', false],
  ['sport/+', 'sport', false],
  ['sport/+', 'sport/', true],
  ['+/+', '/finance', true],
  ['/+', '/finance', true],
  ['+', '/finance', false],
  ['#', '$SYS/uptime', false],
  ['+/monitor/Clients', '$SYS/monitor/Clients', false],
  ['$SYS/#', '$SYS/uptime', true],
  ['a/b', 'a/b', true],
  ['a/b', 'a', false],
  ['a', 'a/b', false]
]

for (const [filter, topic, matches] of MATCHES) {
  matching(`${filter} ${matches ? 'matches' : 'misses'} ${topic}`, () => {
    assert.is(matchesFilter(filter, topic), matches)
  })
}

matching.run()
