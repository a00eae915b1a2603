import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { ProviderError } from '@fogbank/personality'
import { parseHttpTopic, parseTopic, toMatcher, type Topic } from './topics.ts'

const strict = (breach: ProviderError): never => {
  throw breach
}

function outcome(parse: typeof parseTopic, text: string): Topic | string {
  try {
    return parse(text, strict)
  } catch (error) {
    if (error instanceof ProviderError) return error.key
    throw error
  }
}

const plain = (name: string, rootSlash = false): Topic => ({ name, rootSlash, wildcard: false })
const filter = (name: string, rootSlash = false): Topic => ({ name, rootSlash, wildcard: true })

const topics = suite('shiftr topics')

const CASES: [text: string, expected: Topic | string][] = [
  ['a', plain('a')],
  ['/a', plain('a', true)],
  ['//a', plain('/a', true)],
  ['a/', plain('a/')],
  ['a//b', plain('a//b')],
  ['aZ09.,:;-_$/x', plain('aZ09.,:;-_$/x')],
  ['a/../b', plain('a/../b')],
  ['$own/topic', plain('$own/topic')],
  ['*', filter('+')],
  ['/a/*/b', filter('a/+/b', true)],
  ['+', filter('+')],
  ['#', filter('#')],
  ['a/#', filter('a/#')],
  ['', 'TopicEmpty'],
  ['/', 'TopicEmpty'],
  ['a b', 'TopicCharacterInvalid'],
  ['a%b', 'TopicCharacterInvalid'],
  ['a~', 'TopicCharacterInvalid'],
  ['a=b', 'TopicCharacterInvalid'],
  ['a!', 'TopicCharacterInvalid'],
  ['grün', 'TopicCharacterInvalid'],
  ['a\0b', 'TopicCharacterInvalid'],
  ['a\ud800b', 'TopicCharacterInvalid'],
  ['\u{1f32b}', 'TopicCharacterInvalid'],
  ['a+', 'WildcardMisplaced'],
  ['+a', 'WildcardMisplaced'],
  ['a/+b/c', 'WildcardMisplaced'],
  ['#/a', 'WildcardMisplaced'],
  ['a#', 'WildcardMisplaced'],
  ['a/##', 'WildcardMisplaced'],
  ['++', 'WildcardMisplaced'],
  ['a'.repeat(128), plain('a'.repeat(128))],
  [`/${'a'.repeat(128)}`, plain('a'.repeat(128), true)],
  ['a'.repeat(129), 'TopicTooLong'],
  ['/'.repeat(102), 'TopicTooDeep'],
  [`a${'/'.repeat(99)}`, plain(`a${'/'.repeat(99)}`)],
  [`a${'/'.repeat(100)}`, 'TopicTooDeep']
]
for (const [text, expected] of CASES) {
  topics(`${JSON.stringify(text).slice(0, 40)} of ${text.length} characters`, () => {
    assert.equal(outcome(parseTopic, text), expected)
    assert.equal(outcome(parseHttpTopic, text), expected)
  })
}

topics('only HTTP knows @ for #', () => {
  assert.equal(outcome(parseHttpTopic, 'a/@'), filter('a/#'))
  assert.equal(outcome(parseHttpTopic, '@'), filter('#'))
  assert.equal(outcome(parseTopic, 'a/@'), 'TopicCharacterInvalid')
})

/** Filters as the documentation allows them, without leading slash. */
const legalFilter = fc
  .tuple(
    fc.array(
      fc.oneof(
        fc.constant('+'),
        fc.string({ unit: fc.constantFrom(...'aZ09.,:;-_$'), minLength: 1, maxLength: 6 })
      ),
      { minLength: 1, maxLength: 8 }
    ),
    fc.boolean()
  )
  .map(([levels, all]) => levels.join('/') + (all ? '/#' : ''))

topics('a legal filter is the same in every spelling', () => {
  fc.assert(
    fc.property(legalFilter, fc.boolean(), (name, slash) => {
      const expected = outcome(parseHttpTopic, name)
      assert.type(expected, 'object')
      const root = slash ? '/' : ''
      const spellings = [
        name.replaceAll('+', '*').replaceAll('#', '@'),
        decodeURIComponent(encodeURIComponent(name)),
        name.replaceAll('+', '*')
      ]
      for (const spelling of spellings) {
        const found = outcome(parseHttpTopic, root + spelling) as Topic
        assert.equal(found, { ...(expected as Topic), rootSlash: slash })
      }
    })
  )
})

topics('whatever is thrown at it, the answer is a topic or a row', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      const found = outcome(parseHttpTopic, text)
      if (typeof found === 'string') return
      assert.match(found.name, /^[A-Za-z0-9.,:;\-_$/+#]{1,128}$/)
    })
  )
})

const MATCHES: [filter: string, topic: string, expected: boolean][] = [
  ['a', 'a', true],
  ['a', 'a/b', false],
  ['a/+', 'a/b', true],
  ['a/+', 'a/', true],
  ['a/+', 'a', false],
  ['a/+', 'a/b/c', false],
  ['a/#', 'a', true],
  ['a/#', 'a/b/c', true],
  ['a/#', 'ab', false],
  ['a/+/#', 'a/b', true],
  ['+/b', 'a/b', true],
  ['#', 'a/b', true],
  ['#', '$own', false],
  ['+/b', '$own/b', false],
  ['$own/#', '$own/b', true],
  ['$own/+', '$own/b', true]
]
for (const [name, topic, expected] of MATCHES) {
  topics(`${name} ${expected ? 'matches' : 'does not match'} ${topic}`, () => {
    assert.is(toMatcher(parseTopic(name, strict))(topic), expected)
  })
}

topics.run()
