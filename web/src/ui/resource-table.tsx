import { Table, Text, VisuallyHidden } from '@mantine/core'
import type { ReactNode } from 'react'
import { t } from '../i18n/index.tsx'
import { Loaded, type LoadedQuery } from './loaded.tsx'
import { EmptyState } from './states.tsx'

export interface Column<R> {
  head: string
  cell(row: R): ReactNode
  /** Pixels. */
  width?: number
  minWidth?: number
  maxWidth?: number
}

interface Props<R> {
  rows: readonly R[]
  toKey(row: R): string | number
  columns: readonly Column<R>[]
  /** Buttons at the end of each row. */
  actions?: ((row: R) => ReactNode) | false
  /** Pixels below which it scrolls sideways. */
  minWidth: number
  /** Shown in place of a table without rows. */
  empty?: { title: string; text?: string }
  rowProps?(row: R): object
}

/** A table scrolls by itself where there is less room than it needs, by keys too. */
const viewport = () => ({ viewportProps: { tabIndex: 0, role: 'group', 'aria-label': t('table') } })

/** The head of a column of buttons: for whoever hears the table. */
const ActionsHead = () => (
  <Table.Th>
    <VisuallyHidden>{t('table.actions')}</VisuallyHidden>
  </Table.Th>
)

/** Draws a row for each thing, with headings; says what to do where there is none. */
export function ResourceTable<R>({ rows, toKey, columns, actions, minWidth, empty, rowProps }: Props<R>) {
  if (empty && rows.length === 0)
    return <EmptyState title={empty.title}>{empty.text && <Text size="sm">{empty.text}</Text>}</EmptyState>
  return (
    <Table.ScrollContainer minWidth={minWidth} scrollAreaProps={viewport()}>
      <Table highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            {columns.map(({ head }) =>
              head === '' ? <ActionsHead key={head} /> : <Table.Th key={head}>{head}</Table.Th>,
            )}
            {actions && <ActionsHead />}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>
          {rows.map((row) => (
            <Table.Tr key={toKey(row)} {...rowProps?.(row)}>
              {columns.map(({ head, cell, width, minWidth: min, maxWidth: max }) => (
                <Table.Td key={head} style={{ width, minWidth: min, maxWidth: max }}>
                  {cell(row)}
                </Table.Td>
              ))}
              {actions && <Table.Td className="row-actions">{actions(row)}</Table.Td>}
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </Table.ScrollContainer>
  )
}

interface LoadedProps<D, R> extends Omit<Props<R>, 'rows'> {
  query: LoadedQuery<D>
  rows(data: D): readonly R[]
}

/** Draws the table of what a query brings; until then that it is on its way, or why it does not come. */
export const LoadedTable = <D, R>({ query, rows, ...props }: LoadedProps<D, R>) => (
  <Loaded query={query}>{(data) => <ResourceTable rows={rows(data)} {...props} />}</Loaded>
)
