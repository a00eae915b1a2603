import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { compilePath, parseQuery, rawPath, rawQuery } from './path.ts'

const templates = suite('path templates')

const PATHS: [template: string, path: string, params: Record<string, string> | undefined][] = [
  ['/retainedMessage', '/retainedMessage', {}],
  ['/retainedMessage', '/retainedMessage/', undefined],
  ['/topics/{topic+}', '/topics/a/b', { topic: 'a/b' }],
  ['/topics/{topic+}', '/topics/a%2Fb%20c', { topic: 'a/b c' }],
  ['/topics/{topic+}', '/topics/a//../b', { topic: 'a//../b' }],
  ['/topics/{topic+}', '/topics/', undefined],
  ['/broker/{topic*}', '/broker/', { topic: '' }],
  ['/things/{thingName}/shadow', '/things/a%3A1/shadow', { thingName: 'a:1' }],
  ['/things/{thingName}/shadow', '/things/a/b/shadow', undefined],
  ['/topics/{name}:publish', '/topics/orders:publish', { name: 'orders' }],
  ['/topics/{name}:publish', '/topics/a:b:publish', { name: 'a:b' }],
  ['/topics/{name}:publish', '/topics/orders:receive', undefined],
  ['/a.b', '/axb', undefined]
]

for (const [template, path, params] of PATHS) {
  templates(`${template} and ${path}`, () =>
    assert.equal(compilePath(template).match(path), params)
  )
}

templates('a malformed escape throws', () => {
  assert.throws(
    () => compilePath('/{a+}').match('/%zz'),
    (error: Error) => error instanceof URIError
  )
  assert.throws(
    () => compilePath('/{a+}').match('/%FF'),
    (error: Error) => error instanceof URIError
  )
})

templates.run()

const queries = suite('queries')

queries('are decoded once, keep plus signs, and the last of a name wins', () => {
  const query = parseQuery('qos=0&topic=a%2Fb+c%2B%2525&retain&qos=1&=x')
  assert.equal({ ...query }, { qos: '1', topic: 'a/b+c+%25', retain: '', '': 'x' })
})

queries('cannot reach the prototype', () => {
  const query = parseQuery('__proto__=1&toString=2')
  assert.is(query.toString as unknown, '2')
  assert.is(({} as Record<string, unknown>)['1'], undefined)
})

queries.run()

const targets = suite('request targets')

targets('split at the first question mark, whatever their form', () => {
  assert.is(rawPath('/a/../b?c=d?e'), '/a/../b')
  assert.is(rawQuery('/a/../b?c=d?e'), 'c=d?e')
  assert.is(rawPath('http://host:1/a%2F?b'), '/a%2F')
  assert.is(rawPath('http://host'), '')
})

targets.run()
