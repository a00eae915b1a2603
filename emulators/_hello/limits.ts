import { defineLimits } from '@fogbank/personality'
import { errors } from './errors.ts'

export const limits = defineLimits(errors, {
  nameCharacters: {
    value: 20,
    unit: 'characters',
    raises: 'NameTooLong',
    source: 'this template',
    evidence: 'assumed'
  }
})
