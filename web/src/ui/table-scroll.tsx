import { Table, VisuallyHidden } from '@mantine/core'
import type { ReactNode } from 'react'
import { t } from '../i18n/index.tsx'

/** A table that scrolls by itself where there is less room than it needs, by keys too. */
export const TableScroll = (props: { minWidth: number; label?: string; children: ReactNode }) => (
  <Table.ScrollContainer
    minWidth={props.minWidth}
    scrollAreaProps={{
      viewportProps: { tabIndex: 0, role: 'group', 'aria-label': props.label ?? t('table') },
    }}
  >
    {props.children}
  </Table.ScrollContainer>
)

/** The head of a column of buttons: for whoever hears the table. */
export const ActionsHead = () => (
  <Table.Th>
    <VisuallyHidden>{t('table.actions')}</VisuallyHidden>
  </Table.Th>
)
