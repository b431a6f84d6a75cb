import { Code, Stack, Text } from '@mantine/core'
import { useMediaQuery, useThrottledCallback } from '@mantine/hooks'
import { HOST_STATES, type HostState } from '@rollcall/contracts/admin'
import { keepPreviousData, useQuery, useQueryClient } from '@tanstack/react-query'
import { useNavigate, useSearch } from '@tanstack/react-router'
import { useEffect, useMemo, useRef, useState } from 'react'
import { ApiError } from '../../api/client.ts'
import { useLiveCounts } from '../../api/use-fleet.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { LinkButton } from '../../ui/link-button.tsx'
import { EmptyState, ErrorState, PageHeader, Waiting } from '../../ui/states.tsx'
import { BulkActions } from './bulk-actions.tsx'
import { ShowAll, StateFilter, TextFilters } from './fleet-filters.tsx'
import { FleetTable } from './fleet-table.tsx'
import { countOf, type FleetView, firstHosts, isFiltered, sortedBy } from './fleet-view.ts'

const REFRESH_MS = 1000

export const page = {
  path: '/',
  needs: 'hosts:read',
  nav: { label: 'nav.fleet', icon: 'fleet', place: 1 },
} satisfies PageEntry

/** Whatever the fleet is, what is wrong stands out, and what is shown stands in the address. */
export default function FleetPage() {
  const view: FleetView = useSearch({ from: '/inside/' })
  const navigate = useNavigate()
  const isPhone = useMediaQuery('(max-width: 48em)') ?? false
  const [selected, setSelected] = useState<ReadonlySet<string>>(new Set())
  const change = (next: Partial<FleetView>) =>
    void navigate({ to: '/', search: (now: FleetView) => ({ ...now, ...next }), replace: true })
  const first = useQuery({
    ...firstHosts(view),
    placeholderData: keepPreviousData,
    refetchInterval: 30_000,
  })
  const counts = useLiveCounts()
  useRefreshOnStateChange(counts)

  if (first.isPending) return <Waiting />
  const refused = first.error instanceof ApiError ? first.error.messages.labels : undefined
  // What was shown last stays while what is asked for next is refused or cannot be had.
  const { total, states } = first.data ?? { total: undefined, states: {} }
  const all = isFiltered(view) ? states : (counts ?? states)
  const isEmpty = first.data !== undefined && countOf(all, HOST_STATES) === 0 && !isFiltered(view)
  return (
    <Stack gap="sm" h={isPhone ? undefined : 'calc(100dvh - 84px)'}>
      <PageHeader title={t('fleet.title')}>
        <LinkButton needs="hosts:write" to="/hosts/add" label={t('fleet.add')} />
      </PageHeader>
      {isEmpty ? (
        <EmptyState title={t('fleet.emptyTitle')}>
          <Text size="sm">{t('fleet.emptyText')}</Text>
          <Code block>npx rollcall host add web-01 --address 192.0.2.10 --key ~/.ssh/id_ed25519 --wait</Code>
        </EmptyState>
      ) : (
        <>
          <StateFilter view={view} counts={all} onChange={change} />
          <TextFilters
            view={view}
            total={first.error ? undefined : total}
            refused={refused}
            onChange={change}
          />
          {selected.size > 0 && <BulkActions hosts={[...selected]} onDone={() => setSelected(new Set())} />}
          {first.error && !refused && <ErrorState error={first.error} onRetry={() => first.refetch()} />}
          {total === 0 && (
            <EmptyState title={t('fleet.nothingFits')}>
              <ShowAll onChange={change} />
            </EmptyState>
          )}
          {total !== undefined && total > 0 && (
            <FleetTable
              view={view}
              total={total}
              isPhone={isPhone}
              selected={selected}
              onSelect={setSelected}
              onSort={(sort) => change(sortedBy(view, sort))}
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
