#!/usr/bin/env node
// The published command. Whatever Node there is reads this file, so it is written for the oldest, and takes
// nothing in before it knows that this Node can read it.
'use strict'
var OLDEST = [20, 11]
var found = process.versions.node.split('.').map(Number)
if (found[0] > OLDEST[0] || (found[0] === OLDEST[0] && found[1] >= OLDEST[1])) {
  require('./fogbank-suite.cjs').main()
} else {
  console.error(
    'fogbank: this is Node ' +
      process.versions.node +
      ', but it takes ' +
      OLDEST.join('.') +
      ' or newer; install one from https://nodejs.org'
  )
  process.exitCode = 2
}
