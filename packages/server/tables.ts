import type { PersonalityDefinition } from '@fogbank/personality'

/** Rows of text, the first of them the heading. */
type Table = string[][]

/** Operations, errors and limits of every personality with their evidence, as text or as Markdown. */
export function renderTables(
  definitions: readonly PersonalityDefinition[],
  format: 'text' | 'markdown'
): string {
  const draw = format === 'markdown' ? drawMarkdown : drawText
  const parts: string[] = []
  for (const definition of definitions) {
    parts.push(`${format === 'markdown' ? '## ' : ''}${definition.title} (${definition.name})`)
    for (const [heading, table] of Object.entries(toTables(definition))) {
      parts.push(`${format === 'markdown' ? '### ' : ''}${heading}`, draw(table))
    }
  }
  return parts.join('\n\n')
}

function toTables({ operations, errors, limits }: PersonalityDefinition): Record<string, Table> {
  return {
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
        row.mqtt ? `0x${row.mqtt.reasonCode.toString(16).padStart(2, '0')}` : '',
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
  const line = (cells: string[]) =>
    `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`
  const [heading, ...rows] = table
  return [line(heading!), line(heading!.map(() => '---')), ...rows.map(line)].join('\n')
}
