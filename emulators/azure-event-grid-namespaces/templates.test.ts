import { suite } from 'uvu'
import * as assert from 'uvu/assert'
import {
  bindTemplate,
  compileTemplate,
  coversFilter,
  matchesTemplate,
  type Variables
} from './templates.ts'

const templates = suite('azure-event-grid-namespaces topic templates')

const MACHINE: Variables = {
  authenticationName: 'machine1',
  attributes: { line: 'l7', floor: 3, areas: ['north', 'south'], path: 'a/b', all: '+', none: '' }
}

/** A template, a topic, and whether MACHINE may publish to it. */
const PUBLISHES: [template: string, topic: string, allowed: boolean][] = [
  ['#', 'a', true],
  ['#', 'a/b/c', true],
  ['a/b', 'a/b', true],
  ['a/b', 'a/B', false],
  ['a/b', 'a/b/', false],
  ['a/b', 'a', false],
  ['a/+', 'a/b', true],
  ['a/+', 'a/', true],
  ['a/+', 'a/b/c', false],
  ['a/#', 'a', true],
  ['a/#', 'a/b/c', true],
  ['a/#', 'b', false],
  ['+/b/#', 'x/b/c/d', true],
  ['+/b/#', 'x/c', false],
  ['lab/${client.authenticationName}/telemetry', 'lab/machine1/telemetry', true],
  ['lab/${client.authenticationName}/telemetry', 'lab/machine2/telemetry', false],
  ['lab/${client.authenticationName|.factory1}', 'lab/machine1.factory1', true],
  ['lab/${client.authenticationName|.factory1}', 'lab/machine1', false],
  ['lab/m-${client.attributes.line}-out/#', 'lab/m-l7-out/x', true],
  ['${client.attributes.floor}/+', '3/x', true],
  ['${client.attributes.areas}/x', 'north/x', true],
  ['${client.attributes.areas}/x', 'south/x', true],
  ['${client.attributes.areas}/x', 'west/x', false],
  ['${client.attributes.line}${client.attributes.floor}', 'l73', true],
  ['x/${client.attributes.missing}', 'x/', false],
  ['x/${client.attributes.path}', 'x/a/b', false],
  ['x/${client.attributes.all}', 'x/y', false],
  ['x/${client.attributes.all}', 'x/+', false],
  ['x/${client.attributes.none}', 'x/', false],
  ['x/${client.attributes.constructor}', `x/${Object}`, false]
]

for (const [template, topic, allowed] of PUBLISHES) {
  templates(`${template} ${allowed ? 'matches' : 'does not match'} ${topic}`, () => {
    const bound = bindTemplate(compileTemplate(template), MACHINE)
    assert.is(bound !== undefined && matchesTemplate(bound, topic.split('/')), allowed)
  })
}

/** A template, a filter, and whether the template covers all that the filter can match. */
const SUBSCRIBES: [template: string, filter: string, allowed: boolean][] = [
  ['#', '#', true],
  ['#', '+/a/#', true],
  ['a/#', 'a/#', true],
  ['a/#', 'a', true],
  ['a/#', 'a/+/b', true],
  ['a/#', '#', false],
  ['a/#', '+/#', false],
  ['a/#', '+', false],
  ['a/+', 'a/+', true],
  ['a/+', 'a/b', true],
  ['a/+', 'a/#', false],
  ['a/+', 'a', false],
  ['a/b', 'a/+', false],
  ['a/b', 'a/b', true],
  ['+/b', '+/b', true],
  ['+/b', '#', false],
  ['a/+/#', 'a/#', false],
  ['a/+/#', 'a/b/#', true],
  ['lab/${client.authenticationName}/cmd/#', 'lab/machine1/cmd/+', true],
  ['lab/${client.authenticationName}/cmd/#', 'lab/+/cmd/+', false],
  ['${client.attributes.areas}/x', 'south/x', true],
  ['${client.attributes.areas}/x', '+/x', false]
]

for (const [template, filter, allowed] of SUBSCRIBES) {
  templates(`${template} ${allowed ? 'covers' : 'does not cover'} ${filter}`, () => {
    const bound = bindTemplate(compileTemplate(template), MACHINE)
    assert.is(bound !== undefined && coversFilter(bound, filter.split('/')), allowed)
  })
}

const FAULTS = [
  'a/#/b',
  'a+',
  '',
  'a/${client.name}',
  'a/${client.attributes.}',
  'a/${client.authenticationName',
  '$aws/x'
]

for (const text of FAULTS) {
  templates(`'${text}' is refused at start, by name`, () => {
    assert.throws(
      () => compileTemplate(text),
      (error: Error) => error.message.includes(`'${text}'`)
    )
  })
}

templates.run()
