/** npm run bench -- [NAME…] [--short] [--json FILE] [--write-docs]: measures, prints a table, and keeps the figures where asked. */
import { writeFile } from 'node:fs/promises'
import { resolve } from 'node:path'
import { parseArgs } from 'node:util'
import { writeFigures, writePlots } from './docs-page.ts'
import { type Figure, toJson } from './figure.ts'
import { machineFacts } from './machine-facts.ts'
import { benchmarks } from './registry.ts'
import { alignedTable } from './table.ts'

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    json: { type: 'string' },
    short: { type: 'boolean', default: process.env.ROLLCALL_BENCH_SHORT === '1' },
    'write-docs': { type: 'boolean', default: false },
  },
})
const unknown = positionals.filter((name) => !Object.hasOwn(benchmarks, name))
if (unknown.length > 0) {
  const list = Object.entries(benchmarks).map(([name, { summary }]) => `  ${name.padEnd(12)}${summary}`)
  console.error(`There is no benchmark called ${unknown.join(', ')}. There are:\n${list.join('\n')}`)
  process.exit(2)
}

const names = positionals.length > 0 ? [...new Set(positionals)] : Object.keys(benchmarks)
const options = { isShort: values.short }
const { machine, load } = machineFacts()
console.log(`${machine}\nload average ${load}`)

const all: Figure[] = []
for (const name of names) {
  const facts = machineFacts()
  console.log(`${name}: load average ${facts.load}`)
  try {
    const figures = (await benchmarks[name]?.run((line) => console.log(`  ${line}`), options)) ?? []
    all.push(...figures)
    if (values['write-docs']) await writeFigures(name, figures, facts, options)
  } catch (error) {
    // The others still run: one that cannot be measured here says nothing about them.
    console.error(`${name} failed:`, error)
    process.exitCode = 1
  }
}

if (values['write-docs']) for (const name of names) await writePlots(benchmarks[name]?.plots?.(all) ?? [])
if (all.length > 0) console.log(`\n${alignedTable(all)}`)
// A missed target is a result and not a failure of the run.
if (values.json) await writeFile(resolve(values.json), `${JSON.stringify(all.map(toJson), undefined, 2)}\n`)
// Connections that are kept alive must not keep us: all that was started has ended.
process.exit()
