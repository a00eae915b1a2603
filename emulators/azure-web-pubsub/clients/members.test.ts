import fc from 'fast-check'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { readMembers } from './members.ts'

const members = suite('azure-web-pubsub members of a JSON object')

members('come out as they were written', () => {
  const text =
    ' { "ackId" : 18446744073709551615 , "data":{"n":1.0,"a":[1, {"}":"]"}]},"t":"a\\"b,}" } '
  assert.equal(
    [...readMembers(text)],
    [
      ['ackId', '18446744073709551615'],
      ['data', '{"n":1.0,"a":[1, {"}":"]"}]}'],
      ['t', '"a\\"b,}"']
    ]
  )
})

members('of one name, the last counts, however its name is written', () => {
  assert.equal([...readMembers('{"a":1,"\\u0061":2}')], [['a', '2']])
})

members('are none in an empty object', () => {
  assert.equal([...readMembers('{}')], [])
})

members('belong to an object and nothing else', () => {
  for (const text of ['[]', '1', 'null', '"a"', '', '{', '{"a":1}x', '\u00ff']) {
    assert.throws(
      () => readMembers(text),
      (error: Error) => error instanceof SyntaxError
    )
  }
})

members('are those that JSON.parse finds', () => {
  fc.assert(
    fc.property(fc.dictionary(fc.string(), fc.jsonValue()), fc.nat(3), (object, indent) => {
      const found = readMembers(JSON.stringify(object, null, indent))
      const parsed = [...found].map(([name, text]) => [name, JSON.parse(text)])
      assert.equal(Object.fromEntries(parsed), JSON.parse(JSON.stringify(object)))
    })
  )
})

members.run()
