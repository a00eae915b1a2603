import { errors } from '../errors.ts'
import { checkTypes } from './check.ts'
import { FilterFault } from './fault.ts'
import { functions, type Value } from './functions.ts'
import { parse, type Node } from './parser.ts'

/** What a filter may ask of a connection. */
export interface Filterable {
  connectionId: string
  userId: string | null
  /** The negotiated subprotocol. */
  protocol: string
  groups: ReadonlySet<string>
}

export type Filter = (connection: Filterable) => boolean

/**
 * Compiles an OData filter as the service reads it.
 *
 * @throws ProviderError FilterInvalid, with the service's own sentence where it is known
 * @see https://learn.microsoft.com/azure/azure-web-pubsub/reference-odata-filter
 */
export function compileFilter(filter: string): Filter {
  try {
    const root = parse(filter)
    checkTypes(filter, root)
    return (connection) => evaluate(root, connection) === true
  } catch (error) {
    if (!(error instanceof FilterFault)) throw error
    throw errors.FilterInvalid({ fault: error.message })
  }
}

function evaluate(node: Node, connection: Filterable): Value {
  switch (node.kind) {
    case 'literal':
      return node.value
    case 'name':
      return read(node.name, connection)
    case 'call':
      return functions[node.name]!.evaluate(...node.args.map((arg) => evaluate(arg, connection)))
    case 'not':
      return evaluate(node.operand, connection) !== true
    case 'list':
      return node.items.map((item) => evaluate(item, connection) as string)
    case 'logic':
      return node.operator === 'and'
        ? evaluate(node.left, connection) === true && evaluate(node.right, connection) === true
        : evaluate(node.left, connection) === true || evaluate(node.right, connection) === true
    case 'compare':
      return compare(
        node.operator,
        evaluate(node.left, connection),
        evaluate(node.right, connection)
      )
  }
}

function read(name: string, connection: Filterable): Value {
  switch (name.toLowerCase()) {
    case 'userid':
      return connection.userId
    case 'connectionid':
      return connection.connectionId
    case 'protocol':
      return connection.protocol
    default:
      return connection.groups
  }
}

function compare(operator: string, left: Value, right: Value): boolean {
  if (operator === 'eq') return left === right
  if (operator === 'ne') return left !== right
  if (operator === 'in') return includes(right as Iterable<string>, left)
  // Order is of integers only; what is null is in none.
  if (left === null || right === null) return false
  if (operator === 'gt') return left > right
  if (operator === 'ge') return left >= right
  if (operator === 'lt') return left < right
  return left <= right
}

function includes(collection: Iterable<unknown>, value: Value): boolean {
  if (collection instanceof Set) return collection.has(value)
  return [...collection].includes(value)
}
