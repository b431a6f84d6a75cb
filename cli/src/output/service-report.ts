import type { Fault, ReadKey, ReadServices, ServiceGroup } from '@rollcall/compose'
import { table } from './table.ts'

/** Wide enough for the longest thing to write instead. */
const MAX_CELL = 400

interface Row {
  line: number
  key: string
  result: 'taken' | 'otherwise' | 'refused'
  note: string
}

/** Renders what was done with every key: a table for each service, one for the rest of the file, and how services are grouped. */
export function serviceReport({ spec, faults, keys }: ReadServices): string {
  const rows = [...keys.map(toKeyRow), ...faults.map(toFaultRow)]
  const sections = new Map<string, Row[]>()
  for (const row of rows) {
    const name = /^services\.("[^"]*"|[^.]+)\./.exec(`${row.key}.`)?.[1] ?? ''
    sections.set(name, [...(sections.get(name) ?? []), row])
  }
  const names = [...sections.keys()].sort((one, other) => Number(one === '') - Number(other === ''))
  const tables = names.map((name) => renderSection(name, sections.get(name) ?? []))
  return [...tables, ...(spec?.groups.map(renderGroup) ?? [])].join('\n')
}

function renderSection(name: string, rows: Row[]): string {
  const prefix = name === '' ? '' : `services.${name}.`
  const sorted = rows.sort((one, other) => one.line - other.line)
  const cells = sorted.map(({ line, key, result, note }) => [
    String(line),
    toShownKey(key, prefix),
    result,
    note,
  ])
  return `${name === '' ? 'The file' : `Service ${name}`}\n${table(['LINE', 'KEY', 'RESULT', 'NOTE'], cells, MAX_CELL)}`
}

function toShownKey(key: string, prefix: string): string {
  if (`${key}.` === prefix) return '(service)'
  return key.startsWith(prefix) ? key.slice(prefix.length) : key
}

const toKeyRow = ({ line, key, standing, says }: ReadKey): Row => ({
  line,
  key,
  result: standing,
  note: standing === 'taken' ? '' : says,
})

const toFaultRow = ({ line, column, key, reason, instead }: Fault): Row => ({
  line,
  key: key === '' ? '(file)' : key,
  result: 'refused',
  note: `column ${column}: ${reason}; ${instead}`,
})

function renderGroup({ name, replicas, services }: ServiceGroup): string {
  const names = services.map((service) => service.name).join(', ')
  const count =
    replicas === null
      ? 'one instance on every host that fits'
      : `${replicas} ${replicas === 1 ? 'instance' : 'instances'}`
  const together = services.length > 1 ? ', together on one host, found by their names' : ''
  return `Group ${name}: ${count} of ${names}${together}\n`
}
