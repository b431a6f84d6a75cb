// @vitest-environment happy-dom
import { expect, it } from 'vitest'
import { draw } from '../testing/draw.tsx'
import { ResourceTable } from './resource-table.tsx'

const HOSTS = [
  { name: 'web', cores: 2 },
  { name: 'db', cores: 8 },
]
const table = (rows: typeof HOSTS, actions?: (row: (typeof HOSTS)[number]) => string) => (
  <ResourceTable
    rows={rows}
    toKey={({ name }) => name}
    minWidth={100}
    empty={{ title: 'No hosts', text: 'Add one.' }}
    columns={[
      { head: 'Name', cell: ({ name }) => name },
      { head: 'Cores', cell: ({ cores }) => cores },
    ]}
    actions={actions ?? false}
    rowProps={({ name }) => ({ 'data-host': name })}
  />
)

it('a table of resources has a cell under each of its headings, for every row', async () => {
  const { screen } = await draw(table(HOSTS, ({ name }) => `open ${name}`))
  const rows = screen.getAllByRole('row').map((row) => Array.from(row.children, (cell) => cell.textContent))
  expect(rows).toEqual([
    ['Name', 'Cores', 'Actions'],
    ['web', '2', 'open web'],
    ['db', '8', 'open db'],
  ])
  expect(document.querySelector('[data-host=db]')?.textContent).toContain('8')
})

it('a table of resources without actions has no column for them, and without rows says what to do', async () => {
  const { screen } = await draw(table(HOSTS))
  expect(screen.queryByText('Actions')).toBeNull()
  const empty = await draw(table([]))
  expect(empty.screen.getByText('Add one.')).toBeTruthy()
})
