import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { createCookies } from './cookies.ts'

const NOW = Date.UTC(2026, 0, 1)
const at = (url: string) => new URL(url)

const cookies = suite('azure-web-pubsub cookies of handlers')

for (const [what, line, url, header] of [
  ['a host', 'a=1', 'http://h/x/y', 'a=1'],
  ['no other host', 'a=1', 'http://other/x/y', undefined],
  ['the path it was set under', 'a=1', 'http://h/elsewhere', undefined],
  ['a path of its own', 'a=1; Path=/z', 'http://h/z/1', 'a=1'],
  ['no path that only begins so', 'a=1; Path=/z', 'http://h/zoo', undefined],
  ['https only, if it says so', 'a=1; Path=/; Secure', 'http://h/', undefined],
  ['as long as it says', 'a=1; Path=/; Max-Age=60', 'http://h/', 'a=1'],
  ['no longer than it says', 'a=1; Path=/; Max-Age=59', 'http://h/', undefined],
  ['its date', 'a=1; Path=/; Expires=Thu, 01 Jan 2026 00:00:30 GMT', 'http://h/', undefined],
  ['its value as it is', 'a=%20b; Path=/', 'http://h/', 'a=%20b']
] as const) {
  cookies(`go to ${what}`, () => {
    const jar = createCookies()
    jar.set(at('http://h/x/set'), [line], NOW)
    assert.is(jar.header(at(url), NOW + 59_500), header)
  })
}

cookies('replace those of the same name, and are 50 at most', () => {
  const jar = createCookies()
  jar.set(at('http://h/'), ['a=1', 'b=1', 'a=2', ';', ''], NOW)
  assert.is(jar.header(at('http://h/'), NOW), 'b=1; a=2')
  jar.set(
    at('http://h/'),
    Array.from({ length: 49 }, (_, n) => `c${n}=1`),
    NOW
  )
  const header = jar.header(at('http://h/'), NOW)!
  assert.is(header.split('; ').length, 50)
  assert.is(header.split('; ')[0], 'a=2')
})

cookies.run()
