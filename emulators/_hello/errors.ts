import { defineErrors, type ProviderError, type Reply } from '@fogbank/personality'

const source = 'this template: copy it, then say where each of your rows comes from'

export const errors = defineErrors({
  NameTooLong: {
    status: 400,
    code: 'NameTooLong',
    message: 'a name has at most {limit} characters',
    source,
    evidence: 'assumed'
  },
  NotFound: {
    status: 404,
    code: 'NotFound',
    message: 'no such operation',
    source,
    evidence: 'assumed'
  },
  Internal: {
    status: 500,
    code: 'Internal',
    message: 'internal error',
    source,
    evidence: 'assumed'
  }
})

/** The vendor's error envelope: the only place a failure becomes bytes. */
export function render(error: ProviderError): Reply {
  return {
    status: error.row.status,
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify({ code: error.row.code, message: error.text })
  }
}
