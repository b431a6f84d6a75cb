import { readFileSync, writeFileSync } from 'node:fs'

/** Characters of a line of prose. Tables, code, headings, links and HTML keep theirs. */
export const MAX_MARKDOWN_WIDTH = 150

/** Written by programs that tests compare them with. */
export const GENERATED_PAGES = [
  'docs/benchmarks.md',
  'docs/route-matrix.md',
  'docs/guides/errors.md',
  'docs/guides/service-keys.md',
]

const FENCE = /^\s*(```|~~~)/
const LIST_ITEM = /^(\s*)([-*+]|\d+[.)])(\s+)/
const UNWRAPPED = /^\s*(#|\||>|<|!\[|\[[^\]]+\]:|---$)/
const TABLE_RULE = /^:?-+:?$/
/** A line that began with one of these would be a list, a heading or a quotation. */
const STARTS_A_BLOCK = /^([-*+#>]|\d+[.)])$/

type Block = { kind: 'prose' | 'table' | 'verbatim'; lines: string[] }

/** Wraps paragraphs that hold an overlong line, and aligns tables. Returns the text; formatting it again changes nothing. */
export function formatMarkdown(text: string): string {
  return toBlocks(text).flatMap(formatBlock).join('\n')
}

/** Finds lines of prose over the maximum. Returns their numbers, from 1. */
export function findLongLines(text: string): number[] {
  let line = 0
  return toBlocks(text).flatMap(({ kind, lines }) =>
    lines.flatMap((content) => {
      line += 1
      return kind === 'prose' && isTooLong(content) ? [line] : []
    }),
  )
}

/** A single long word, such as an address, cannot be wrapped. */
const isTooLong = (line: string) => line.length > MAX_MARKDOWN_WIDTH && line.trim().includes(' ')

function toBlocks(text: string): Block[] {
  const blocks: Block[] = []
  let isFenced = false
  for (const line of text.split('\n')) {
    const isFence = FENCE.test(line)
    if (isFence) isFenced = !isFenced
    const kind = isFenced || isFence ? 'verbatim' : toKind(line)
    const last = blocks.at(-1)
    if (last?.kind === kind && !(kind === 'prose' && LIST_ITEM.test(line))) last.lines.push(line)
    else blocks.push({ kind, lines: [line] })
  }
  return blocks
}

function toKind(line: string): Block['kind'] {
  if (line.startsWith('|')) return 'table'
  return line.trim() === '' || UNWRAPPED.test(line) || line.startsWith('    ') ? 'verbatim' : 'prose'
}

function formatBlock({ kind, lines }: Block): string[] {
  if (kind === 'table') return alignTable(lines)
  return kind === 'prose' ? wrapProse(lines) : lines
}

function wrapProse(lines: string[]): string[] {
  const isHardBroken = lines.some((line) => line.endsWith('  '))
  if (isHardBroken || !lines.some(isTooLong)) return lines
  const [first = ''] = lines
  const lead = (LIST_ITEM.exec(first) ?? /^\s*/.exec(first))?.[0] ?? ''
  const words = lines.join(' ').slice(lead.length).split(/\s+/).filter(Boolean)
  const wrapped: string[] = []
  let line = lead + (words.shift() ?? '')
  for (const word of words) {
    if (line.length + 1 + word.length <= MAX_MARKDOWN_WIDTH || STARTS_A_BLOCK.test(word)) line += ` ${word}`
    else {
      wrapped.push(line)
      line = ' '.repeat(lead.length) + word
    }
  }
  return [...wrapped, line]
}

function alignTable(lines: string[]): string[] {
  const rows = lines.map(toCells)
  const [head, rules] = rows
  if (!head || !rules?.every((cell) => TABLE_RULE.test(cell))) return lines
  if (rows.some((row) => row.length !== head.length)) return lines
  const contents = rows.filter((row) => row !== rules)
  const widths = head.map((_, index) => Math.max(3, ...contents.map((row) => widthOf(row[index] ?? ''))))
  const isWide = widths.reduce((sum, width) => sum + width + 3, 1) > MAX_MARKDOWN_WIDTH
  const toCell = (row: string[], cell: string, width: number) => {
    if (row === rules) return toRule(cell, isWide ? 3 : width)
    return isWide ? cell : cell + ' '.repeat(width - widthOf(cell))
  }
  return rows.map((row) => {
    const line = `| ${row.map((cell, index) => toCell(row, cell, widths[index] ?? 3)).join(' | ')} |`
    return isWide ? line.replaceAll(/\| {2,}(?=\|)/g, '| ') : line
  })
}

const widthOf = (text: string) => [...text].length

const toRule = (cell: string, width: number) =>
  `${cell.startsWith(':') ? ':' : '-'}${'-'.repeat(width - 2)}${cell.endsWith(':') ? ':' : '-'}`

/** A bar within code or behind a backslash belongs to its cell. */
function toCells(line: string): string[] {
  const inner = line
    .trim()
    .replace(/^\|/, '')
    .replace(/(?<!\\)\|$/, '')
  const cells = ['']
  let isCode = false
  let previous = ''
  for (const character of inner) {
    if (character === '`') isCode = !isCode
    if (character === '|' && !isCode && previous !== '\\') cells.push('')
    else cells[cells.length - 1] += character
    previous = character
  }
  return cells.map((cell) => cell.trim())
}

// As a program: formats the pages that are named.
if (import.meta.main)
  for (const path of process.argv.slice(2).filter((page) => !GENERATED_PAGES.includes(page))) {
    const text = readFileSync(path, 'utf8')
    const formatted = formatMarkdown(text)
    if (formatted !== text) writeFileSync(path, formatted)
  }
