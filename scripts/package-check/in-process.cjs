const assert = require('node:assert/strict')
const { startFogbank, UsageError } = require('fogbank')

async function main() {
  const fogbank = await startFogbank()
  const { status } = await fetch(`${fogbank.endpoints.control.http}/health`)
  assert.equal(status, 200)
  await fogbank.close()
  await assert.rejects(startFogbank({ only: ['aws-iott'] }), UsageError)
}

main().catch((error) => {
  console.error(error)
  process.exitCode = 1
})
