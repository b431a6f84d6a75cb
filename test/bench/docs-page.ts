import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { BenchOptions, Figure, Plot } from './figure.ts'
import type { MachineFacts } from './machine-facts.ts'
import { markdownTable } from './table.ts'

const IMAGES = fileURLToPath(new URL('../../docs/images/', import.meta.url))
const PAGE = fileURLToPath(new URL('../../docs/benchmarks.md', import.meta.url))

/**
 * Replaces the figures of one benchmark between its two marks in `docs/benchmarks.md`, and leaves what people wrote
 * around them. A benchmark that the page does not know gets a section at the end.
 */
export async function writeFigures(
  name: string,
  figures: readonly Figure[],
  facts: MachineFacts,
  options: BenchOptions,
): Promise<void> {
  const page = await readFile(PAGE, 'utf8')
  const begin = `<!-- figures of ${name}: written by the run -->`
  const end = `<!-- end of figures of ${name} -->`
  const text = `${begin}\n${section(name, figures, facts, options)}\n${end}`
  const from = page.indexOf(begin)
  const to = page.indexOf(end)
  if (from >= 0 && to < from) throw new Error(`${PAGE}: the mark "${end}" is missing`)
  const fresh =
    from < 0
      ? `${page.trimEnd()}\n\n## ${name}\n\n${text}\n`
      : page.slice(0, from) + text + page.slice(to + end.length)
  await writeFile(PAGE, fresh)
}

export async function writePlots(plots: readonly Plot[]): Promise<void> {
  for (const { file, svg } of plots) await writeFile(join(IMAGES, file), svg)
}

function section(
  name: string,
  figures: readonly Figure[],
  { machine, load, at }: MachineFacts,
  { isShort }: BenchOptions,
): string {
  return `
\`npm run bench -- ${name}${isShort ? ' --short' : ''}\` on ${at.toISOString().slice(0, 16).replace('T', ' ')} UTC

- Machine: ${machine}
- Load average at the start: ${load}

${markdownTable(figures)}
`
}
