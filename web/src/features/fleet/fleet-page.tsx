import { Button, Code, Group, Stack, Text, TextInput } from '@mantine/core'
import { useDebouncedCallback, useHotkeys, useMediaQuery, useThrottledCallback } from '@mantine/hooks'
import { HOST_STATES, type HostState } from '@rollcall/contracts/admin'
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useMemo, useRef, useState } from 'react'
import { useMay } from '../../api/session.ts'
import { useLiveCounts } from '../../api/use-fleet.ts'
import { t } from '../../i18n/index.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { EmptyState, ErrorState, PageHeader, Waiting } from '../../ui/states.tsx'
import { BulkActions } from './bulk-actions.tsx'
import { FleetTable } from './fleet-table.tsx'
import { type FleetView, firstHosts } from './fleet-view.ts'

const LISTED: HostState[] = ['online', 'degraded', 'offline']

const REFRESH_MS = 1000

/** Whatever the fleet is, what is wrong stands out, and what is shown stands in the address. */
export function FleetPage() {
  const view: FleetView = useSearch({ from: '/inside/' })
  const navigate = useNavigate()
  const mayWrite = useMay('hosts:write')
  const isPhone = useMediaQuery('(max-width: 48em)') ?? false
  const searchBox = useRef<HTMLInputElement>(null)
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const change = (next: Partial<FleetView>) =>
    void navigate({ to: '/', search: (now: FleetView) => ({ ...now, ...next }), replace: true })
  const search = useDebouncedCallback((text: string) => change({ search: text || undefined }), 200)
  useHotkeys([['/', () => searchBox.current?.focus()]])

  const first = useQuery({
    ...firstHosts(view),
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  })
  const counts = useLiveCounts()
  useRefreshOnStateChange(counts)

  if (first.isPending) return <Waiting />
  if (first.error) return <ErrorState error={first.error} onRetry={() => first.refetch()} />
  const { total, states } = first.data
  const all = Object.values(states).reduce((sum, count) => sum + count, 0)
  const isFiltered = view.search !== undefined || view.labels !== undefined || view.states !== undefined
  const shown = isFiltered ? states : (counts ?? states)
  const toggle = (state: HostState) => {
    const next = view.states?.includes(state)
      ? view.states.filter((each) => each !== state)
      : [...(view.states ?? []), state]
    change({ states: next.length > 0 ? next : undefined })
  }
  return (
    <Stack gap="sm" h={isPhone ? undefined : 'calc(100dvh - 84px)'}>
      <PageHeader title={t('fleet.title')}>
        {mayWrite && (
          <Button component={Link} to="/hosts/add">
            {t('fleet.add')}
          </Button>
        )}
      </PageHeader>
      {all === 0 && !isFiltered ? (
        <EmptyState title={t('fleet.emptyTitle')}>
          <Text size="sm">{t('fleet.emptyText')}</Text>
          <Code block>npx rollcall host add web-01 --address 192.0.2.10 --key ~/.ssh/id_ed25519 --wait</Code>
        </EmptyState>
      ) : (
        <>
          <Group gap="xs" role="group" aria-label={t('fleet.byState')}>
            <div className="stat" style={{ cursor: 'default' }}>
              <b>{Object.values(shown).reduce((sum, count) => sum + count, 0)}</b>
              <span>{t('fleet.hosts')}</span>
            </div>
            {HOST_STATES.filter((state) => LISTED.includes(state) || (shown[state] ?? 0) > 0).map((state) => (
              <button
                key={state}
                type="button"
                className="stat"
                aria-pressed={view.states?.includes(state) ?? false}
                onClick={() => toggle(state)}
              >
                <b>{shown[state] ?? 0}</b>
                <StateBadge state={state} />
              </button>
            ))}
          </Group>
          <Group gap="xs">
            <TextInput
              ref={searchBox}
              key={`search ${view.search === undefined}`}
              defaultValue={view.search ?? ''}
              placeholder={t('fleet.search')}
              aria-label={t('fleet.search')}
              onChange={(event) => search(event.currentTarget.value)}
              w={{ base: '100%', sm: 280 }}
            />
            <LabelFilter value={view.labels} onChange={(labels) => change({ labels })} />
            {isFiltered && (
              <Button
                variant="subtle"
                onClick={() => change({ search: undefined, labels: undefined, states: undefined })}
              >
                {t('fleet.clear')}
              </Button>
            )}
            <Text size="sm" c="dimmed" ml="auto" role="status">
              {t('fleet.shown', { total })}
            </Text>
          </Group>
          {selected.size > 0 && <BulkActions hosts={[...selected]} onDone={() => setSelected(new Set())} />}
          {total === 0 ? (
            <EmptyState title={t('fleet.nothingFits')} />
          ) : (
            <FleetTable
              view={view}
              total={total}
              isPhone={isPhone}
              selected={selected}
              onSelect={setSelected}
              onSort={(sort) =>
                change({
                  sort,
                  direction: view.sort === sort && view.direction !== 'desc' ? 'desc' : undefined,
                })
              }
            />
          )}
        </>
      )}
    </Stack>
  )
}

/** Which rows fit may be another question after a change of states. */
function useRefreshOnStateChange(counts: Partial<Record<HostState, number>> | undefined) {
  const client = useQueryClient()
  // A fleet in which much happens would ask all the time.
  const refresh = useThrottledCallback(() => client.invalidateQueries({ queryKey: ['agents'] }), REFRESH_MS)
  const text = useMemo(() => JSON.stringify(counts), [counts])
  const before = useRef(text)
  useEffect(() => {
    if (before.current !== undefined && before.current !== text) refresh()
    before.current = text
  }, [refresh, text])
}

function LabelFilter({
  value,
  onChange,
}: {
  value: string | undefined
  onChange(value: string | undefined): void
}) {
  const apply = useDebouncedCallback((text: string) => onChange(text || undefined), 400)
  return (
    <TextInput
      key={`labels ${value === undefined}`}
      defaultValue={value ?? ''}
      placeholder={t('fleet.labels')}
      aria-label={t('fleet.labels')}
      onChange={(event) => apply(event.currentTarget.value.trim())}
      w={{ base: '100%', sm: 220 }}
    />
  )
}
