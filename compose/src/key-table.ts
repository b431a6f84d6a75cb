import { file } from './keys/file-keys.ts'
import type { Key, Shape } from './read/shape.ts'

interface Row {
  path: string
  standing: string
  form: string
  says: string
}

const PLACES = { services: 'SERVICE', volumes: 'NAME', secrets: 'NAME', configs: 'NAME', networks: 'NAME' }

/** Renders the table of keys that the reader works by as a page of the guides. Returns the whole page. */
export function keyTable(): string {
  const rows = toRows(file, '')
  const isOfFile = ({ path }: Row) => !path.startsWith('services.')
  const isOurs = ({ path }: Row) => path.includes('.x-rollcall.')
  return [
    '# Keys of a service file',
    '',
    'Made from `compose/src/keys/`, by which files are read; `npx vitest run compose/src/key-table.spec.ts -u` makes this page anew.',
    '',
    '`taken`: as Compose does. `otherwise`: the file is accepted, the value is checked, and the report says what it means here. `refused`: the',
    'file is refused, with what to write instead; values that say what holds anyway (`privileged: false`) are accepted. Every key that is not in',
    'these tables is refused, except those that begin with `x-`, which are yours.',
    '',
    '## A service',
    '',
    ...render(
      rows.filter((row) => !isOfFile(row) && !isOurs(row)),
      'services.SERVICE.',
    ),
    '## A service under `x-rollcall`',
    '',
    ...render(rows.filter(isOurs), 'services.SERVICE.x-rollcall.'),
    '## The file',
    '',
    ...render(rows.filter(isOfFile), ''),
  ].join('\n')
}

function render(rows: readonly Row[], prefix: string): string[] {
  return [
    '| key | result | value | what it does, or what to write instead |',
    '| --- | --- | --- | --- |',
    ...rows.map(({ path, standing, form, says }) =>
      `| \`${path.slice(prefix.length)}\` | ${standing} | ${toCell(form)} | ${toCell(says)} |`.replaceAll(
        '  ',
        ' ',
      ),
    ),
    '',
  ]
}

/** Bars would end a cell. */
const toCell = (text: string) => text.replaceAll('|', '\\|').replaceAll('<', '&lt;')

function toRows({ keys, item }: Shape<unknown>, path: string): Row[] {
  const own = keys ? Object.entries(keys).flatMap(([name, key]) => toKeyRows(name, key, path)) : []
  return [...own, ...(item ? toRows(item, toItemPath(path)) : [])]
}

/** Items stand under a name that the file chooses, or under none in a list. */
const toItemPath = (path: string): string => {
  const name = (PLACES as Readonly<Record<string, string>>)[path]
  return name ? `${path}.${name}` : path
}

function toKeyRows(name: string, key: Key<unknown>, path: string): Row[] {
  const full = path === '' ? name : `${path}.${name}`
  const { standing } = key
  if (standing === 'refused') return [{ path: full, standing, form: '', says: key.instead }]
  // The keys of a mapping follow in rows of their own.
  const form = key.shape.form.startsWith('a mapping of') && key.shape.keys ? '' : key.shape.form
  return [{ path: full, standing, form, says: key.says }, ...toRows(key.shape, full)]
}
