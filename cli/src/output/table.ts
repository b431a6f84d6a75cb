import { sanitizeText } from '@rollcall/contracts'

const MAX_CELL = 200

/** A value in a cell; null and undefined leave it empty. */
export type Cell = string | number | null | undefined
export type Rows = readonly (readonly Cell[])[]

/** Columns two spaces apart, each as wide as its widest cell. Cells are made harmless, and cut at `maxCell` characters. */
export function table(header: readonly string[], rows: Rows, maxCell = MAX_CELL): string {
  const cells = [header, ...rows].map((row) => row.map((cell) => sanitizeText(String(cell ?? ''), maxCell)))
  const widths = header.map((_, column) => Math.max(...cells.map((row) => toWidth(row[column] ?? ''))))
  return cells
    .map((row) =>
      row
        .map((cell, column) => cell + ' '.repeat((widths[column] ?? 0) - toWidth(cell)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
    .concat('\n')
}

/** Names on the left, values on the right; what has no value is left out. */
export function fieldList(
  fields: readonly (readonly [name: string, value: string | null | undefined])[],
): string {
  const shown = fields.filter((field): field is readonly [string, string] => Boolean(field[1]))
  const width = Math.max(...shown.map(([name]) => name.length)) + 2
  return shown.map(([name, value]) => `${name.padEnd(width)}${sanitizeText(value, 4000)}\n`).join('')
}

const toWidth = (text: string) => Array.from(text).length
