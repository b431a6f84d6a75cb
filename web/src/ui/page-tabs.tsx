import { Tabs } from '@mantine/core'
import type { ReactNode } from 'react'

interface Tab {
  name: string
  label: string
  content: ReactNode
}

interface Props {
  tabs: readonly Tab[]
  /** The one that is shown, where the page's address names it. */
  shown?: string | undefined
  onShow?(name: string): void
}

/** Draws parts of a page of which one is shown at a time, the first to begin with. */
export const PageTabs = ({ tabs, shown, onShow }: Props) => (
  <Tabs
    {...(onShow
      ? {
          value: tabs.find(({ name }) => name === shown)?.name ?? tabs[0]?.name ?? null,
          onChange: (name) => name !== null && onShow(name),
        }
      : { defaultValue: tabs[0]?.name ?? null })}
    keepMounted={false}
  >
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
