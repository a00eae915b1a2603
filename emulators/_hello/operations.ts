import { defineOperations } from '@fogbank/personality'
import { greet, type State } from './handlers.ts'

export const operations = defineOperations<State>()({
  Greet: {
    method: 'POST',
    path: '/greetings/{name}',
    raises: ['NameTooLong'],
    handle: greet,
    source: 'this template'
  }
})
