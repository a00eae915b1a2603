import { CloudEvent, HTTP } from 'cloudevents'
import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import { contentModeOf, hasBinaryHeaders, mediaTypeOf, readBinaryAttributes } from './http.ts'

const binding = suite('CloudEvents HTTP binding')

const source = (headers: Record<string, string>) => (name: string) => headers[name]

const MODES: [headers: Record<string, string>, mode: string | undefined][] = [
  [{ 'content-type': 'application/cloudevents+json' }, 'structured'],
  [{ 'content-type': 'Application/CloudEvents+JSON ; charset=utf-8' }, 'structured'],
  [{ 'content-type': 'application/cloudevents-batch+json; charset=UTF-8' }, 'batch'],
  [{ 'content-type': 'application/json' }, undefined],
  [{ 'content-type': 'application/json', 'ce-id': '' }, 'binary'],
  [{ 'ce-type': 't' }, 'binary'],
  [{ 'ce-subject': 's' }, undefined],
  [{ 'content-type': 'application/cloudevents+json', 'ce-id': '1' }, 'structured'],
  [{}, undefined]
]

for (const [headers, mode] of MODES) {
  binding(`${JSON.stringify(headers)} is ${mode ?? 'no CloudEvent'}`, () => {
    assert.is(contentModeOf(source(headers)), mode)
  })
}

binding('each required attribute alone makes binary headers', () => {
  for (const name of ['specversion', 'type', 'source', 'id']) {
    assert.ok(hasBinaryHeaders(source({ [`ce-${name}`]: 'x' })))
  }
  assert.not.ok(hasBinaryHeaders(source({ 'ce-time': 'x', 'ce-extension': 'x' })))
})

binding('a media type has no parameters and no case', () => {
  assert.is(mediaTypeOf(' Text/Plain ; a=b;c'), 'text/plain')
  assert.is(mediaTypeOf(undefined), undefined)
})

binding('attributes are unescaped, and nothing but attributes is taken', () => {
  const attributes = readBinaryAttributes({
    'ce-id': '%E2%82%AC%22',
    'ce-source': '/a b',
    'ce-type': '100%',
    'ce-time': undefined,
    'ce-list': ['one', 'two'],
    'ce-not-one': 'x',
    'x-id': 'x',
    'content-type': 'application/json'
  })
  assert.equal(attributes, {
    id: '€"',
    source: '/a b',
    type: '100%',
    list: 'one',
    datacontenttype: 'application/json'
  })
})

binding('UTF-8 that was sent raw is read as such', () => {
  const raw = Buffer.from('Käse €').toString('latin1')
  assert.equal(readBinaryAttributes({ 'ce-subject': raw }), { subject: 'Käse €' })
})

binding('what the library of the CNCF writes is read back', () => {
  const event = new CloudEvent({
    id: '1',
    source: '/s',
    type: 't',
    datacontenttype: 'application/json',
    time: '2026-01-02T03:04:05.000Z',
    comexample: 'x',
    data: 1
  })
  const { headers } = HTTP.binary(event)
  const { data: _data, ...attributes } = JSON.parse(JSON.stringify(event))
  assert.equal(readBinaryAttributes(headers as Record<string, string>), {
    ...attributes,
    datacontenttype: String(headers['content-type'])
  })
})

binding.run()
