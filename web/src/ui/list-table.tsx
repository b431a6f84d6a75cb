import { Table } from '@mantine/core'
import type { ReactNode } from 'react'
import { TableScroll } from './table-scroll.tsx'

/** A table with headings, which scrolls by itself where there is less room than it needs. */
export function ListTable(props: { minWidth: number; heads: readonly string[]; children: ReactNode }) {
  return (
    <TableScroll minWidth={props.minWidth}>
      <Table highlightOnHover>
        <Table.Thead>
          <Table.Tr>
            {props.heads.map((head) => (
              <Table.Th key={head}>{head}</Table.Th>
            ))}
          </Table.Tr>
        </Table.Thead>
        <Table.Tbody>{props.children}</Table.Tbody>
      </Table>
    </TableScroll>
  )
}
