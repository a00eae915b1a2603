import { FilterFault } from './fault.ts'
import { functions, type TypeName } from './functions.ts'
import type { Node } from './parser.ts'

/** What an expression is known to be before any connection is looked at. */
interface StaticType {
  type: TypeName
  /** What an error calls it: a value that may be null is called that, except for the names themselves. */
  said: TypeName
}

const NAMES: Record<string, StaticType> = {
  userid: { type: 'string', said: 'string' },
  connectionid: { type: 'string', said: 'string' },
  protocol: { type: 'string', said: 'string' },
  groups: { type: 'collection', said: 'collection' }
}
/** Names that may be null for some connection. */
const NULLABLE_NAMES = new Set(['userid'])

const BOOL: StaticType = { type: 'bool', said: 'bool' }

/**
 * Checks that every part of a filter has the type its place wants, whether or not it could ever matter.
 *
 * @throws FilterFault
 */
export function checkTypes(filter: string, root: Node): void {
  const textOf = (node: Node) => filter.slice(node.start, node.end)

  function want(actual: StaticType, wanted: readonly TypeName[], at: Node): void {
    if (actual.type === 'null' || wanted.includes(actual.type)) return
    throw new FilterFault(textOf(at), `Type '${actual.said}', expect '${wanted[0]}'`)
  }

  function wantBool(node: Node, at: Node): void {
    const { type, said } = typeOf(node, at)
    if (type === 'bool') return
    throw new FilterFault(textOf(at), `Type '${said}', expect 'bool'`)
  }

  /** @param parent what an unknown name is quoted with */
  function typeOf(node: Node, parent: Node): StaticType {
    switch (node.kind) {
      case 'literal':
        return typeOfLiteral(node.value)
      case 'name': {
        const name = node.name.toLowerCase()
        if (Object.hasOwn(NAMES, name)) return NAMES[name]!
        throw new FilterFault(textOf(parent), `Token '${node.name}' is not supported`)
      }
      case 'call':
        return typeOfCall(node)
      case 'not':
        wantBool(node.operand, node)
        return BOOL
      case 'list':
        throw new FilterFault(textOf(parent), `Token '${textOf(node)}' is not supported`)
      case 'logic':
        wantBool(node.left, node)
        wantBool(node.right, node)
        return BOOL
      case 'compare':
        checkComparison(node)
        return BOOL
    }
  }

  function typeOfCall(node: Node & { kind: 'call' }): StaticType {
    const known = Object.hasOwn(functions, node.name) ? functions[node.name] : undefined
    if (!known) throw new FilterFault(textOf(node), `Token '${textOf(node)}' is not supported`)
    const { args, required = args.length } = known
    if (node.args.length < required || node.args.length > args.length) {
      throw new FilterFault(
        textOf(node),
        `Function '${node.name}' does not take ${node.args.length} arguments`
      )
    }
    for (const [index, arg] of node.args.entries()) want(typeOf(arg, node), args[index]!, node)
    const nullable = known.nullable && node.args.some(mayBeNull)
    return { type: known.returns, said: nullable ? 'null' : known.returns }
  }

  function checkComparison(node: Node & { kind: 'compare' }): void {
    const left = typeOf(node.left, node)
    if (node.operator === 'in') return checkMembership(node, left)
    const right = typeOf(node.right, node)
    if (node.operator === 'eq' || node.operator === 'ne') {
      if (left.type !== 'null') want(right, [left.type], node)
      return
    }
    want(left, ['int'], node)
    want(right, ['int'], node)
  }

  function checkMembership(node: Node & { kind: 'compare' }, left: StaticType): void {
    if (node.right.kind === 'list') {
      if (left.type === 'null') return
      for (const item of node.right.items) want(typeOf(item, node), [left.type], node)
      return
    }
    want(left, ['string'], node)
    want(typeOf(node.right, node), ['collection'], node)
  }

  wantBool(root, root)
}

function typeOfLiteral(value: string | number | boolean | null): StaticType {
  if (value === null) return { type: 'null', said: 'null' }
  const type = typeof value === 'string' ? 'string' : typeof value === 'number' ? 'int' : 'bool'
  return { type, said: type }
}

function mayBeNull(node: Node): boolean {
  if (node.kind === 'literal') return node.value === null
  if (node.kind === 'name') return NULLABLE_NAMES.has(node.name.toLowerCase())
  return node.kind === 'call' && functions[node.name]!.nullable && node.args.some(mayBeNull)
}
