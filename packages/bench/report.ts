/** One measured thing beside its limit. */
export interface Figure {
  name: string
  ours: number
  limit: number
  unit: string
  /** ours / limit. */
  ratio: number
  /** What we set ourselves: at least, or at most. */
  target: { atLeast: number } | { atMost: number }
}

export function toFigure(
  name: string,
  unit: string,
  ours: number[],
  limit: number[],
  target: Figure['target']
): Figure {
  // Rounds alternate, so the ratio of each pair was measured under the same load of the machine.
  const ratio = median(ours.map((value, round) => value / limit[round]!))
  return { name, unit, ours: median(ours), limit: median(limit), ratio, target }
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

export function print(figures: Figure[]): void {
  const rows = figures.map(({ name, unit, ours, limit, ratio, target }) => {
    const [word, bound] = 'atLeast' in target ? ['>=', target.atLeast] : ['<=', target.atMost]
    const met = 'atLeast' in target ? ratio >= target.atLeast : ratio <= target.atMost
    const mark = met ? 'met' : 'MISSED'
    return [
      name,
      Math.round(ours),
      Math.round(limit),
      unit,
      ratio.toFixed(2),
      `${word} ${Number(bound.toFixed(2))}`,
      mark
    ]
  })
  const table = [['what', 'ours', 'limit', 'unit', 'ratio', 'target', ''], ...rows].map((row) =>
    row.map(String)
  )
  const widths = table[0]!.map((_, column) => Math.max(...table.map((row) => row[column]!.length)))
  for (const row of table) {
    console.log(
      row
        .map((cell, column) => cell.padEnd(widths[column]!))
        .join('  ')
        .trimEnd()
    )
  }
}
