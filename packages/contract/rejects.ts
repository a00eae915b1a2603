import * as assert from 'uvu/assert'

/**
 * Expects a promise to be refused for one reason: the key of an error row, or the code of a CoreError.
 * @throws Assertion when it is fulfilled, or refused for another reason
 */
export async function rejects(promise: Promise<unknown>, key: string): Promise<void> {
  const outcome = await promise.then(
    () => 'fulfilled',
    (error: { key?: string; code?: string; message?: string }) =>
      error.key ?? error.code ?? error.message ?? String(error)
  )
  assert.is(outcome, key)
}

/** What a promise is refused with. @throws Error when it is fulfilled */
export async function failureOf(promise: Promise<unknown>): Promise<Record<string, any>> {
  try {
    await promise
  } catch (error) {
    return error as Record<string, any>
  }
  throw new Error('it did not fail')
}
