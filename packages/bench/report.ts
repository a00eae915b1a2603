/** One measured thing beside its limit. */
export interface Figure {
  name: string
  ours: number
  limit: number
  /** What the limit is of: another broker, a bare handler, or ourselves with less to do. */
  against: string
  unit: string
  /** ours / limit. */
  ratio: number
  /** What we set ourselves: at least, or at most; absent: nothing. */
  target?: { atLeast: number } | { atMost: number }
}

/** Rounds of both sides, in the order they were measured; the medians and the median of their ratios. */
export function toFigure({
  ours,
  limit,
  ...rest
}: Omit<Figure, 'ours' | 'limit' | 'ratio'> & { ours: number[]; limit: number[] }): Figure {
  // Rounds alternate, so the ratio of each pair was measured under the same load of the machine.
  const ratio = median(ours.map((value, round) => value / limit[round]!))
  return { ...rest, ours: median(ours), limit: median(limit), ratio }
}

export function median(values: number[]): number {
  const sorted = [...values].sort((a, b) => a - b)
  const middle = Math.floor(sorted.length / 2)
  return sorted.length % 2 ? sorted[middle]! : (sorted[middle - 1]! + sorted[middle]!) / 2
}

const round = (value: number) => (value < 100 ? value.toFixed(1) : String(Math.round(value)))

/** The words for a target, and whether it was met. */
function judge({ ratio, target }: Figure): [bound: string, mark: string] {
  if (!target) return ['', '']
  if ('atLeast' in target) {
    return [`>= ${Number(target.atLeast.toFixed(2))}`, ratio >= target.atLeast ? 'met' : 'MISSED']
  }
  return [`<= ${Number(target.atMost.toFixed(2))}`, ratio <= target.atMost ? 'met' : 'MISSED']
}

export function print(figures: Figure[]): void {
  const rows = figures.map((figure) => {
    const { name, unit, ours, limit, against, ratio } = figure
    return [name, round(ours), round(limit), unit, against, ratio.toFixed(2), ...judge(figure)]
  })
  const table = [['what', 'ours', 'limit', 'unit', 'limit is', 'ratio', 'target', ''], ...rows]
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
