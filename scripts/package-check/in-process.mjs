import assert from 'node:assert/strict'
import { startFogbank, UsageError } from 'fogbank'

const fogbank = await startFogbank()
const { status } = await fetch(`${fogbank.endpoints.control.http}/health`)
assert.equal(status, 200)
await fogbank.close()
await assert.rejects(startFogbank({ only: ['aws-iott'] }), UsageError)
