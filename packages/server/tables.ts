import type { ErrorRow, PersonalityDefinition, Sourced } from '@fogbank/personality'

/** Rows of text, the first of them the heading. */
type Table = string[][]

/** Operations, errors and limits of every personality with their evidence, as text or as Markdown. */
export function renderTables(
  definitions: readonly PersonalityDefinition[],
  format: 'text' | 'markdown'
): string {
  const render = format === 'markdown' ? renderPage : renderText
  return definitions.map(render).join('\n\n')
}

function renderText(definition: PersonalityDefinition): string {
  const { operations, errors, limits } = definition
  const tables: Record<string, Table> = {
    Operations: [
      ['operation', 'method', 'path', 'source', 'raises'],
      ...Object.entries(operations).map(([name, { method, path, raises, source }]) => [
        name,
        method,
        path,
        source,
        raises.join(' ')
      ])
    ],
    Errors: [
      ['situation', 'status', 'code', 'mqtt', 'message', 'evidence', 'source'],
      ...Object.entries(errors).map(([name, { row }]) => [
        name,
        String(row.status),
        row.code,
        reasonCode(row),
        row.message ?? 'null',
        row.evidence,
        row.source
      ])
    ],
    Limits: [
      ['limit', 'value', 'unit', 'raises', 'evidence', 'source'],
      ...Object.entries(limits).map(([name, { value, unit, raises, evidence, source }]) => [
        name,
        String(value),
        unit,
        raises,
        evidence,
        source
      ])
    ]
  }
  const parts = [`${definition.title} (${definition.name})`]
  for (const [heading, table] of Object.entries(tables)) parts.push(heading, drawText(table))
  return parts.join('\n\n')
}

/**
 * One personality's record of fidelity as a Markdown page: narrow tables, in which the word that says how
 * sure a row is links to where it comes from.
 */
export function renderPage({
  name,
  title,
  operations,
  errors,
  limits
}: PersonalityDefinition): string {
  const rows = Object.entries(errors).map(([key, { row }]) => ({ key, row }))
  const bounds = Object.entries(limits)
  return [
    `# ${title}: the record of fidelity`,
    `Every operation, error and limit of \`${name}\`, and how sure it is: *documented* by the vendor, *recorded* ` +
      `from an answer of the real service, or *assumed* where no source says it. The word links to the source.`,
    `${Object.keys(operations).length} operations; ${count(rows.map(({ row }) => row))} errors; ` +
      `${count(bounds.map(([, limit]) => limit))} limits.`,
    '## Operations',
    drawMarkdown([
      ['operation', 'request', 'errors it can answer with'],
      ...Object.entries(operations).map(([key, { method, path, raises, source }]) => [
        link(code(key), source),
        code(`${method} ${path}`),
        raises.map(escape).join(', ')
      ])
    ]),
    '## Errors',
    `A name in braces is filled in where the error is raised. The MQTT column is the reason code of MQTT 5.`,
    drawMarkdown([
      ['situation', 'HTTP', 'code', 'MQTT', 'message', 'evidence'],
      ...rows.map(({ key, row }) => [
        escape(key),
        String(row.status),
        row.code === '' ? '' : code(row.code),
        reasonCode(row),
        row.message === null ? 'none' : row.message === '' ? 'empty' : code(row.message),
        cite(row)
      ])
    ]),
    '## Limits',
    drawMarkdown([
      ['limit', 'value', 'unit', 'past it', 'evidence'],
      ...bounds.map(([key, limit]) => [
        escape(key),
        limit.value.toLocaleString('en-US'),
        escape(limit.unit),
        escape(limit.raises),
        cite(limit)
      ])
    ])
  ].join('\n\n')
}

const reasonCode = ({ mqtt }: ErrorRow) =>
  mqtt ? `0x${mqtt.reasonCode.toString(16).padStart(2, '0')}` : ''

/** `12 (3 documented, 9 assumed)` */
function count(rows: readonly Sourced[]): string {
  const kinds = (['documented', 'recorded', 'assumed'] as const)
    .map((kind) => [rows.filter(({ evidence }) => evidence === kind).length, kind] as const)
    .filter(([number]) => number > 0)
  return `${rows.length} (${kinds.map((parts) => parts.join(' ')).join(', ')})`
}

const isUrl = (text: string) => /^https?:\/\/\S+$/.test(text)
const link = (text: string, source: string) =>
  isUrl(source) ? `[${text}](${source})` : `${text}: ${escape(source)}`
const cite = ({ evidence, source }: Sourced) => link(evidence, source)

const escape = (text: string) => text.replace(/[\\`*_<>[\]|]/g, '\\$&').replace(/\s*\n\s*/g, ' ')

/** A code span; a line break in it is shown as the two characters that a string would have. */
function code(text: string): string {
  const line = text.replaceAll('\r', '\\r').replaceAll('\n', '\\n').replaceAll('|', '\\|')
  return line.includes('`') ? `\`\` ${line} \`\`` : `\`${line}\``
}

function drawText(table: Table): string {
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd()
    )
    .join('\n')
}

function drawMarkdown(table: Table): string {
  const line = (cells: string[]) => `| ${cells.join(' | ')} |`
  const [heading, ...rows] = table
  return [line(heading!), line(heading!.map(() => '---')), ...rows.map(line)].join('\n')
}
