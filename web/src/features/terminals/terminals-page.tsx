import { Button, CloseButton, Group, Select, Stack, Tabs, Text } from '@mantine/core'
import { useQuery } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { EmptyState, messageOf, PageHeader, Waiting } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'

const Terminal = lazy(() => import('./terminal.tsx'))
const STORED = 'rollcall.terminals'
const MOST = 12

interface Tab {
  id: string
  host: string
  /** It was opened elsewhere, perhaps by somebody else: to close the tab does not end it. */
  isElsewhere?: boolean
}

/** Shells that go on whatever becomes of this page: after a reload they are here again, with what they said meanwhile. */
export function TerminalsPage() {
  const { host, command } = useSearch({ from: '/inside/terminals' })
  const navigate = useNavigate()
  const [tabs, setTabs] = useState<Tab[]>(readTabs)
  const [active, setActive] = useState<string | null>(() => readTabs().at(-1)?.id ?? null)
  const [error, setError] = useState<string>()
  const [typed, setTyped] = useState('')
  useEffect(() => localStorage.setItem(STORED, JSON.stringify(tabs)), [tabs])
  const hosts = useQuery({
    queryKey: ['terminal-hosts', typed],
    queryFn: ({ signal }) =>
      call('listAgents', { query: { limit: 30, ...(typed.trim() && { search: typed.trim() }) } }, signal),
  })
  const open = async (name: string) => {
    setError(undefined)
    try {
      const { command } = await call('openTerminal', {
        params: { host: name },
        body: { columns: 100, rows: 30 },
      })
      setTabs((now) => [...now, { id: command.id, host: name }].slice(-MOST))
      setActive(command.id)
    } catch (failure) {
      setError(messageOf(failure))
    }
  }
  const show = async (id: string) => {
    setError(undefined)
    try {
      const found = (await call('showCommand', { params: { id } })).command
      const tab = { id, host: found.host.name, isElsewhere: true }
      setTabs((now) => (now.some((each) => each.id === id) ? now : [...now, tab].slice(-MOST)))
      setActive(id)
    } catch (failure) {
      setError(messageOf(failure))
    }
  }
  const asked = useRef<string>(undefined)
  // biome-ignore lint/correctness/useExhaustiveDependencies: one shell for each time that the page is opened for a host
  useEffect(() => {
    if (!host || asked.current === host) return
    asked.current = host
    void navigate({ to: '/terminals', search: { host: undefined, command: undefined }, replace: true })
    void open(host)
  }, [host])
  // biome-ignore lint/correctness/useExhaustiveDependencies: a terminal that is open already is shown once for each time that it is asked for
  useEffect(() => {
    if (!command) return
    void navigate({ to: '/terminals', search: { host: undefined, command: undefined }, replace: true })
    void show(command)
  }, [command])
  const close = async ({ id, isElsewhere }: Tab) => {
    setTabs((now) => now.filter((tab) => tab.id !== id))
    setActive((now) => (now === id ? (tabs.findLast((tab) => tab.id !== id)?.id ?? null) : now))
    if (isElsewhere) return
    // One that has ended by itself cannot be ended again, which is as well.
    await call('cancelCommand', { params: { id } }).catch((failure) => setError(messageOf(failure)))
  }
  return (
    <Stack gap="xs" h="calc(100dvh - 84px)">
      <PageHeader title={t('nav.terminals')}>
        <Select
          searchable
          placeholder={t('terminals.choose')}
          aria-label={t('terminals.choose')}
          value={null}
          searchValue={typed}
          onSearchChange={setTyped}
          data={hosts.data?.agents.map((agent) => agent.host) ?? []}
          onChange={(name) => {
            if (!name) return
            setTyped('')
            void open(name)
          }}
        />
      </PageHeader>
      {error && (
        <Text c="red" size="sm" role="alert">
          {error}
        </Text>
      )}
      {tabs.length === 0 ? (
        <EmptyState title={t('terminals.none')}>
          <Text size="sm">{t('terminals.noneText')}</Text>
        </EmptyState>
      ) : (
        <>
          <Group gap="xs" wrap="nowrap">
            <Tabs value={active} onChange={setActive} flex={1}>
              <Tabs.List>
                {tabs.map(({ id, host }) => (
                  <Tabs.Tab key={id} value={id}>
                    <Untrusted>{host}</Untrusted>
                  </Tabs.Tab>
                ))}
              </Tabs.List>
            </Tabs>
            {tabs
              .filter(({ id }) => id === active)
              .map((tab) => (
                <CloseButton
                  key={tab.id}
                  size="sm"
                  aria-label={t('terminals.close', { host: tab.host })}
                  onClick={() => close(tab)}
                />
              ))}
          </Group>
          <Suspense fallback={<Waiting />}>
            {active && (
              <Terminal
                key={active}
                id={active}
                onGone={() => setTabs((now) => now.filter((tab) => tab.id !== active))}
              />
            )}
          </Suspense>
        </>
      )}
      <Group gap="xs">
        <Text size="xs" c="dimmed">
          {t('terminals.hint')}
        </Text>
        {active && (
          <Button
            size="compact-xs"
            variant="subtle"
            onClick={() => navigate({ to: '/commands/$id', params: { id: active } })}
          >
            {t('terminals.log')}
          </Button>
        )}
      </Group>
    </Stack>
  )
}

function readTabs(): Tab[] {
  try {
    const stored: unknown = JSON.parse(localStorage.getItem(STORED) ?? '[]')
    if (!Array.isArray(stored)) return []
    return stored
      .filter((tab): tab is Tab => typeof tab?.id === 'string' && typeof tab.host === 'string')
      .slice(-MOST)
  } catch {
    return []
  }
}
