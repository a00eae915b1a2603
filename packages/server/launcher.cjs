#!/usr/bin/env node
// The published command. Whatever Node there is reads this file, so it is written for the oldest, and takes
// nothing in before it knows that this Node can read it.
'use strict'
var OLDEST = [20, 11]
var found = process.versions.node.split('.').map(Number)
if (found[0] > OLDEST[0] || (found[0] === OLDEST[0] && found[1] >= OLDEST[1])) {
  load(__dirname + '/fogbank-suite.cjs').main()
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

/**
 * What a file exports. What V8 compiled of it is kept beside it, in a folder that only those can write who could
 * change the file itself, and spares later starts a third of their time. V8 looks by itself whether it is its own.
 */
function load(file) {
  var fs = require('fs')
  var vm = require('vm')
  var Module = require('module')
  var path = require('path')
  // The bundle's hash is put in for BUILD: a kept file is never that of another bundle.
  var kept = path.join(__dirname, '.cache', ['BUILD', process.version, process.arch].join('-'))
  var options = { filename: file }
  var cachedData = readKept()
  if (cachedData) options.cachedData = cachedData
  // The bundle is ASCII, for which this is the quickest way to a string, and has no import(), which needs more.
  var script = new vm.Script(Module.wrap(fs.readFileSync(file, 'latin1')), options)
  // By then it has started, and all is compiled that a start needs. No short command waits for it.
  if (!cachedData || script.cachedDataRejected) setTimeout(keep, 3000).unref()

  var suite = { exports: {} }
  var run = script.runInThisContext()
  run.call(suite.exports, suite.exports, Module.createRequire(file), suite, file, __dirname)
  return suite.exports

  function readKept() {
    try {
      return fs.readFileSync(kept)
    } catch (error) {
      // None was kept yet, or none can be.
      return undefined
    }
  }

  function keep() {
    var draft = kept + '.' + process.pid
    try {
      fs.mkdirSync(path.dirname(kept), { recursive: true })
      fs.writeFileSync(draft, script.createCachedData())
      fs.renameSync(draft, kept)
    } catch (error) {
      // A folder that can only be read, as an image's: the next start is no quicker than this one.
    }
  }
}
