import { Button, Group, Text, TextInput } from '@mantine/core'
import { useHotkeys } from '@mantine/hooks'
import { HOST_STATES, type HostState, parseSelector } from '@rollcall/contracts/admin'
import { useRef } from 'react'
import type { StateCounts } from '../../api/use-fleet.ts'
import { t } from '../../i18n/index.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { useTypedText } from '../../ui/use-typed-text.ts'
import {
  countOf,
  type FleetView,
  isFiltered,
  MAX_FILTER_CHARS,
  shownStates,
  toggledStates,
} from './fleet-view.ts'

interface Props {
  view: FleetView
  onChange(next: Partial<FleetView>): void
}

const SEARCH_WAIT_MS = 200
const LABELS_WAIT_MS = 400

/** Shows how many hosts are in each state; each is a switch that shows only those. */
export function StateFilter({ view, counts, onChange }: Props & { counts: StateCounts }) {
  return (
    <Group gap="xs" role="group" aria-label={t('fleet.byState')}>
      <div className="stat" style={{ cursor: 'default' }}>
        <b>{countOf(counts, HOST_STATES)}</b>
        <span>{t('fleet.hosts', { count: countOf(counts, HOST_STATES) })}</span>
      </div>
      {shownStates(view, counts).map((state: HostState) => (
        <button
          key={state}
          type="button"
          className="stat"
          aria-pressed={view.states?.includes(state) ?? false}
          onClick={() => onChange({ states: toggledStates(view, state) })}
        >
          <b>{counts[state] ?? 0}</b>
          <StateBadge state={state} />
        </button>
      ))}
    </Group>
  )
}

/** Draws the search box and the label selector. `refused` is what the server finds wrong with the selector. */
export function TextFilters({
  view,
  total,
  refused,
  onChange,
}: Props & { total: number | undefined; refused: string | undefined }) {
  const searchBox = useRef<HTMLInputElement>(null)
  useHotkeys([['/', () => searchBox.current?.focus()]])
  const [search, setSearch] = useTypedText(
    view.search ?? '',
    (text) => onChange({ search: text || undefined }),
    SEARCH_WAIT_MS,
  )
  return (
    <Group gap="xs" align="flex-start">
      <TextInput
        ref={searchBox}
        value={search}
        maxLength={MAX_FILTER_CHARS}
        placeholder={t('fleet.search')}
        aria-label={t('fleet.search')}
        onChange={(event) => setSearch(event.currentTarget.value)}
        w={{ base: '100%', sm: 280 }}
      />
      <LabelFilter value={view.labels ?? ''} refused={refused} onChange={(labels) => onChange({ labels })} />
      {isFiltered(view) && <ShowAll onChange={onChange} />}
      {total !== undefined && (
        <Text size="sm" lh={{ sm: '36px' }} c="dimmed" ml="auto" role="status">
          {t('fleet.shown', { total })}
        </Text>
      )}
    </Group>
  )
}

export const ShowAll = ({ onChange }: Pick<Props, 'onChange'>) => (
  <Button
    variant="subtle"
    onClick={() => onChange({ search: undefined, labels: undefined, states: undefined })}
  >
    {t('fleet.clear')}
  </Button>
)

/** Draws the label selector. While it is half typed the list stays as it was, and the box says what is missing. */
function LabelFilter(props: {
  value: string
  refused: string | undefined
  onChange(labels: string | undefined): void
}) {
  const [text, setText] = useTypedText(
    props.value,
    (next) => {
      if (next === '' || Array.isArray(parseSelector(next))) props.onChange(next || undefined)
    },
    LABELS_WAIT_MS,
  )
  const parsed = text.trim() === '' ? [] : parseSelector(text.trim())
  const isApplied = text.trim() === props.value
  return (
    <TextInput
      value={text}
      maxLength={MAX_FILTER_CHARS}
      placeholder={t('fleet.labels')}
      aria-label={t('fleet.labelsBox')}
      error={
        Array.isArray(parsed)
          ? isApplied
            ? props.refused
            : undefined
          : t('fleet.labelsUnread', { why: parsed })
      }
      onChange={(event) => setText(event.currentTarget.value)}
      w={{ base: '100%', sm: 260 }}
    />
  )
}
