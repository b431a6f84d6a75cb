import { UnstyledButton } from '@mantine/core'
import { useDebouncedValue } from '@mantine/hooks'
import { type AgentSort, type AgentView, agentSort, type Sparkline as Line } from '@rollcall/contracts/admin'
import { keepPreviousData, useQueries } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { useVirtualizer } from '@tanstack/react-virtual'
import { type KeyboardEvent, useCallback, useMemo, useRef, useState } from 'react'
import { call } from '../../api/client.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { useLiveFleet } from '../../api/use-fleet.ts'
import { t } from '../../i18n/index.tsx'
import { CARD_PX, COLUMN_WIDTHS, FLEET_COLUMNS, FleetRow } from './fleet-row.tsx'
import { type FleetView, toFleetQuery, WINDOW } from './fleet-view.ts'

const ROW_PX = 44
const SETTLED_MS = 120

type Props = {
  view: FleetView
  total: number
  isPhone: boolean
  selected: ReadonlySet<string>
  onSelect(next: ReadonlySet<string>): void
  onSort(sort: AgentSort): void
}

/** As many rows as there are hosts, and no more of them in the page than one can see. */
export function FleetTable({ view, total, isPhone, selected, onSelect, onSort }: Props) {
  const scroller = useRef<HTMLDivElement>(null)
  const navigate = useNavigate()
  const [active, setActive] = useState(0)
  const rows = useVirtualizer({
    count: total,
    getScrollElement: () => scroller.current,
    estimateSize: () => (isPhone ? CARD_PX : ROW_PX),
    overscan: 8,
    paddingStart: isPhone ? 0 : 36,
  })
  const visible = rows.getVirtualItems()
  const agentAt = useWindows(view, visible[0]?.index ?? 0, visible.at(-1)?.index ?? 0)
  const shown = useSettled(visible.flatMap(({ index }) => agentAt(index)?.hostId ?? []))
  const live = useLiveFleet(shown)
  const lines = useSparklines(isPhone ? [] : shown)
  const selection = useRef({ selected, onSelect })
  selection.current = { selected, onSelect }
  const toggle = useCallback((host: string) => {
    const next = new Set(selection.current.selected)
    if (!next.delete(host)) next.add(host)
    selection.current.onSelect(next)
  }, [])
  const onKeyDown = (event: KeyboardEvent) => {
    const agent = agentAt(active)
    const step = { ArrowDown: 1, ArrowUp: -1, PageDown: 12, PageUp: -12 }[event.key]
    if (step !== undefined) {
      const next = Math.max(0, Math.min(total - 1, active + step))
      setActive(next)
      rows.scrollToIndex(next)
    } else if (event.key === 'Enter' && agent && event.target === event.currentTarget)
      void navigate({ to: '/hosts/$host', params: { host: agent.host } })
    else if (event.key === ' ' && agent && event.target === event.currentTarget) toggle(agent.host)
    else return
    event.preventDefault()
  }
  return (
    <div
      ref={scroller}
      role="grid"
      aria-label={t('fleet.title')}
      aria-rowcount={total + 1}
      tabIndex={0}
      onKeyDown={onKeyDown}
      data-testid="fleet"
      style={{
        overflow: 'auto',
        flex: 1,
        height: isPhone ? 'calc(100dvh - 330px)' : undefined,
        minHeight: 240,
        border: isPhone ? undefined : '1px solid var(--line)',
        borderRadius: 8,
      }}
    >
      <div
        style={{ height: rows.getTotalSize(), position: 'relative', minWidth: isPhone ? undefined : 1016 }}
      >
        {!isPhone && <Head view={view} onSort={onSort} />}
        {visible.map(({ index, start, key }) => {
          const agent = agentAt(index)
          return (
            <FleetRow
              key={key}
              index={index}
              startPx={start}
              agent={agent}
              live={agent && live.get(agent.hostId)}
              line={agent && lines.get(agent.hostId)}
              isPhone={isPhone}
              isOn={agent !== undefined && selected.has(agent.host)}
              isActive={index === active}
              onToggle={toggle}
            />
          )
        })}
      </div>
    </div>
  )
}

/** Rows come in windows of a hundred; those around what is visible are read. */
function useWindows(view: FleetView, first: number, last: number): (index: number) => AgentView | undefined {
  const query = toFleetQuery(view)
  const from = Math.floor(first / WINDOW)
  const pages = Array.from({ length: Math.floor(last / WINDOW) - from + 1 }, (_, i) => from + i)
  const windows = useQueries({
    queries: pages.map((page) => ({
      queryKey: ['agents', query, page],
      queryFn: ({ signal }: { signal: AbortSignal }) =>
        call('listAgents', { query: { ...query, limit: WINDOW, offset: page * WINDOW } }, signal),
      placeholderData: keepPreviousData,
    })),
  })
  return (index) => windows[Math.floor(index / WINDOW) - from]?.data?.agents[index % WINDOW]
}

/** The rows that are seen once scrolling has paused: those that fly past are not asked for. */
function useSettled(hostIds: string[]): string[] {
  const [settled] = useDebouncedValue(hostIds.join(), SETTLED_MS, { leading: true })
  return useMemo(() => (settled ? settled.split(',') : []), [settled])
}

function useSparklines(hostIds: string[]): Map<string, Line> {
  // By tens, so that scrolling by a row does not ask for all of them again.
  const key = hostIds.toSorted().join(',')
  const options = { enabled: key !== '', staleTime: 60_000, placeholderData: keepPreviousData }
  const { data } = useAnswer('sparklines', { query: { hosts: key } }, options)
  return new Map(data?.sparklines.map((line) => [line.hostId, line]))
}

function Head({ view, onSort }: { view: FleetView; onSort(sort: AgentSort): void }) {
  const sorted = view.sort ?? 'host'
  const isDown = view.direction === 'desc'
  return (
    <div role="row" className="grid-row grid-head" style={{ gridTemplateColumns: COLUMN_WIDTHS }}>
      <span role="columnheader">
        <span className="skip">{t('fleet.selectHead')}</span>
      </span>
      {FLEET_COLUMNS.map(({ key, label }) => {
        const order = agentSort.safeParse(key)
        return (
          <span
            key={key}
            role="columnheader"
            aria-sort={sorted !== key ? 'none' : isDown ? 'descending' : 'ascending'}
          >
            {order.success ? (
              <UnstyledButton fz="inherit" onClick={() => onSort(order.data)}>
                {t(label)} <span aria-hidden>{sorted !== key ? '' : isDown ? '↓' : '↑'}</span>
              </UnstyledButton>
            ) : (
              t(label)
            )}
          </span>
        )
      })}
    </div>
  )
}
