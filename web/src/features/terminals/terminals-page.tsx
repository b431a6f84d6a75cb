import { Button, Group, Select, Stack, Tabs, Text } from '@mantine/core'
import { lazy, Suspense, useState } from 'react'
import { call } from '../../api/client.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { LinkButton } from '../../ui/link-button.tsx'
import { Failure } from '../../ui/resource-form.tsx'
import { EmptyState, ErrorState, PageHeader, Waiting } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import type { Tab } from './terminal-tabs.ts'
import { useTerminals } from './use-terminals.ts'

const Terminal = lazy(() => import('./terminal.tsx'))

export const page = {
  path: '/terminals',
  needs: 'terminals:open',
  search: ['host', 'command'],
  nav: { label: 'nav.terminals', icon: 'terminals', place: 9 },
} satisfies PageEntry

/** Shows shells that keep running when the page is left: after a reload they are here again, with what they wrote meanwhile. */
export default function TerminalsPage() {
  const terminals = useTerminals()
  const { running, tabs, active, error, open } = terminals
  return (
    <Stack gap="xs" h="calc(100dvh - 84px)">
      <PageHeader title={t('nav.terminals')}>
        <HostChoice onOpen={open} />
      </PageHeader>
      <Failure error={error} />
      {running.error && <ErrorState error={running.error} onRetry={() => running.refetch()} />}
      {running.isPending && <Waiting />}
      {!running.isPending && tabs.length === 0 && (
        <EmptyState title={t('terminals.none')}>
          <Text size="sm">{t('terminals.noneText')}</Text>
        </EmptyState>
      )}
      {active && <OpenTabs {...terminals} active={active} />}
      <Footer active={active} />
    </Stack>
  )
}

function HostChoice({ onOpen }: { onOpen(host: string): void }) {
  const [typed, setTyped] = useState('')
  const search = typed.trim()
  const hosts = useAnswer('listAgents', { query: { limit: 30, search: search || undefined } })
  return (
    <Select
      searchable
      placeholder={t('terminals.choose')}
      aria-label={t('terminals.choose')}
      value={null}
      searchValue={typed}
      onSearchChange={setTyped}
      data={hosts.data?.agents.map(({ host }) => host) ?? []}
      onChange={(name) => {
        if (!name) return
        setTyped('')
        onOpen(name)
      }}
    />
  )
}

interface OpenTabsProps {
  tabs: readonly Tab[]
  active: Tab
  setActive(id: string | null): void
  close(id: string): void
}

function OpenTabs({ tabs, active, setActive, close }: OpenTabsProps) {
  return (
    <>
      <Group gap="xs" wrap="nowrap">
        <Tabs value={active.id} onChange={setActive} flex={1}>
          <Tabs.List>
            {tabs.map(({ id, title }) => (
              <Tabs.Tab key={id} value={id}>
                <Untrusted>{title}</Untrusted>
              </Tabs.Tab>
            ))}
          </Tabs.List>
        </Tabs>
        {active.isEnded ? (
          <Button size="xs" variant="default" onClick={() => close(active.id)}>
            {t('close')}
          </Button>
        ) : (
          <ConfirmButton
            key={active.id}
            label={t('terminals.end')}
            title={t('terminals.endTitle', { host: active.host })}
            explanation={t('terminals.endText')}
            send={() => call('cancelCommand', { params: { id: active.id } })}
            invalidates={['listCommands']}
            onSent={() => close(active.id)}
          />
        )}
      </Group>
      <Suspense fallback={<Waiting />}>
        <Terminal key={active.id} id={active.id} onGone={() => close(active.id)} />
      </Suspense>
    </>
  )
}

const Footer = ({ active }: { active: Tab | undefined }) => (
  <Group gap="xs">
    <Text size="xs" c="dimmed">
      {t('terminals.hint')}
    </Text>
    {active && (
      <LinkButton
        size="compact-xs"
        variant="subtle"
        to="/commands/$id"
        params={{ id: active.id }}
        label={t('terminals.log')}
      />
    )}
  </Group>
)
