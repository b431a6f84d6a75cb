import { Button, Group, Select, Stack, Tabs, Text } from '@mantine/core'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { lazy, Suspense, useEffect, useRef, useState } from 'react'
import { call } from '../../api/client.ts'
import { useSession } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { EmptyState, ErrorState, PageHeader, toMessage, Waiting } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { type OpenTerminal, tabsOf } from './terminal-tabs.ts'

const Terminal = lazy(() => import('./terminal.tsx'))
const REFRESH_MS = 5000
/** As many as the server lists at a time. */
const MOST = 1000
const KEY = ['open-terminals']

/** Every terminal that runs and that somebody may see, wherever it was opened. */
function useRunningTerminals() {
  return useQuery({
    queryKey: KEY,
    queryFn: async ({ signal }) => {
      const asked = (['terminal', 'ssh_terminal'] as const).flatMap((kind) =>
        (['running', 'pending'] as const).map((state) =>
          call('listCommands', { query: { kind, state, limit: MOST } }, signal),
        ),
      )
      return (await Promise.all(asked)).flatMap(({ commands }) => commands)
    },
    refetchInterval: REFRESH_MS,
  })
}

/** Shells that go on whatever becomes of this page: after a reload they are here again, with what they said meanwhile. */
export function TerminalsPage() {
  const { host, command } = useSearch({ from: '/inside/terminals' })
  const navigate = useNavigate()
  const client = useQueryClient()
  const { principal } = useSession()
  const running = useRunningTerminals()
  /** Those that were on this page since it was opened. */
  const [seen, setSeen] = useState<OpenTerminal[]>([])
  const [closed, setClosed] = useState<ReadonlySet<string>>(new Set())
  const [chosen, setActive] = useState<string | null>(null)
  const [error, setError] = useState<string>()
  const [typed, setTyped] = useState('')
  const tabs = tabsOf(running.data ?? [], seen, closed, principal?.name)
  const active = tabs.find(({ id }) => id === chosen) ?? tabs.findLast(({ isMine }) => isMine) ?? tabs.at(-1)
  // One that ends while it is looked at stays to be read.
  const { data } = running
  useEffect(() => {
    const shown = data?.find(({ id }) => id === active?.id)
    if (shown) setSeen((now) => (now.some(({ id }) => id === shown.id) ? now : [...now, shown]))
  }, [data, active?.id])
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
      setSeen((now) => [...now, command])
      setActive(command.id)
      await client.invalidateQueries({ queryKey: KEY })
    } catch (failure) {
      setError(toMessage(failure))
    }
  }
  const show = async (id: string) => {
    setError(undefined)
    try {
      const found = (await call('showCommand', { params: { id } })).command
      setSeen((now) => (now.some((each) => each.id === id) ? now : [...now, found]))
      setActive(id)
    } catch (failure) {
      setError(toMessage(failure))
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
  const close = (id: string) => setClosed((now) => new Set(now).add(id))
  const end = async (id: string) => {
    await call('cancelCommand', { params: { id } })
    close(id)
    await client.invalidateQueries({ queryKey: KEY })
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
      {running.error && <ErrorState error={running.error} onRetry={() => running.refetch()} />}
      {running.isPending ? (
        <Waiting />
      ) : tabs.length === 0 ? (
        <EmptyState title={t('terminals.none')}>
          <Text size="sm">{t('terminals.noneText')}</Text>
        </EmptyState>
      ) : (
        <>
          <Group gap="xs" wrap="nowrap">
            <Tabs value={active?.id ?? null} onChange={setActive} flex={1}>
              <Tabs.List>
                {tabs.map(({ id, title }) => (
                  <Tabs.Tab key={id} value={id}>
                    <Untrusted>{title}</Untrusted>
                  </Tabs.Tab>
                ))}
              </Tabs.List>
            </Tabs>
            {active?.isEnded && (
              <Button size="xs" variant="default" onClick={() => close(active.id)}>
                {t('close')}
              </Button>
            )}
            {active && !active.isEnded && (
              <ConfirmButton
                key={active.id}
                label={t('terminals.end')}
                title={t('terminals.endTitle', { host: active.host })}
                explanation={t('terminals.endText')}
                confirm={t('terminals.end')}
                onConfirm={() => end(active.id)}
              />
            )}
          </Group>
          <Suspense fallback={<Waiting />}>
            {active && <Terminal key={active.id} id={active.id} onGone={() => close(active.id)} />}
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
            onClick={() => navigate({ to: '/commands/$id', params: { id: active.id } })}
          >
            {t('terminals.log')}
          </Button>
        )}
      </Group>
    </Stack>
  )
}
