import { Tabs } from '@mantine/core'
import type { ReactNode } from 'react'

interface Tab {
  name: string
  label: string
  content: ReactNode
}

/** Draws parts of a page of which one is shown at a time, the first to begin with. */
export const PageTabs = ({ tabs }: { tabs: readonly Tab[] }) => (
  <Tabs defaultValue={tabs[0]?.name ?? null} keepMounted={false}>
    <Tabs.List>
      {tabs.map(({ name, label }) => (
        <Tabs.Tab key={name} value={name}>
          {label}
        </Tabs.Tab>
      ))}
    </Tabs.List>
    {tabs.map(({ name, content }) => (
      <Tabs.Panel key={name} value={name} pt="md">
        {content}
      </Tabs.Panel>
    ))}
  </Tabs>
)
