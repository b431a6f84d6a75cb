import { type Figure, round, verdictOf } from './figure.ts'

const HEADINGS = ['figure', 'value', 'unit', 'target', '', 'peer', "peer's value", 'of the peer', 'n']
const RIGHT = new Set([1, 3, 6, 7, 8])

/** For a terminal: columns aligned, numbers to the right. */
export function alignedTable(figures: readonly Figure[]): string {
  const rows = [HEADINGS, ...figures.map(cells)]
  const widths = HEADINGS.map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)))
  const line = (row: string[]) =>
    row
      .map((cell, i) => (RIGHT.has(i) ? cell.padStart(widths[i] ?? 0) : cell.padEnd(widths[i] ?? 0)))
      .join('  ')
  return rows.map((row) => line(row).trimEnd()).join('\n')
}

export function markdownTable(figures: readonly Figure[]): string {
  const rule = HEADINGS.map((_, column) => (RIGHT.has(column) ? '---:' : '---'))
  const rows = [
    HEADINGS,
    rule,
    ...figures.map((figure) => cells(figure).map((cell, i) => (i === 0 ? `\`${cell}\`` : cell))),
  ]
  return rows.map((row) => `| ${row.join(' | ')} |`).join('\n')
}

function cells(figure: Figure): string[] {
  const { name, value, unit, target, peer, peerValue, n } = figure
  const bound = target && ('atMost' in target ? `≤ ${target.atMost}` : `≥ ${target.atLeast}`)
  const of = peerValue === null ? '-' : String(round(peerValue))
  // A ratio has what it is a ratio to beside it, in another unit.
  const share = value !== null && peerValue && unit !== '×' ? `${round(value / peerValue)} ×` : '-'
  return [
    name,
    value === null ? 'absent' : String(round(value)),
    unit,
    bound ?? '-',
    verdictOf(figure),
    peer ?? '-',
    of,
    share,
    String(n),
  ]
}
