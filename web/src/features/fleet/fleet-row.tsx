import { Card, Group, Stack, Text } from '@mantine/core'
import { type AgentView, areValuesStale, type Sparkline as Line } from '@rollcall/contracts/admin'
import { Link } from '@tanstack/react-router'
import { memo, type ReactNode } from 'react'
import { type MessageKey, t } from '../../i18n/index.tsx'
import { momentText, percentText } from '../../ui/format-values.ts'
import { Ago } from '../../ui/moment.tsx'
import { Sparkline } from '../../ui/sparkline.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'

export const CARD_PX = 126
export const COLUMN_WIDTHS =
  '24px minmax(104px, 1.5fr) 108px minmax(84px, 1.6fr) minmax(92px, 1fr) 106px 106px 42px 94px 88px minmax(60px, 0.6fr)'

interface Props {
  index: number
  startPx: number
  /** As the list has it; undefined while it is read. */
  agent: AgentView | undefined
  /** Changes that were pushed since. */
  live: AgentView | undefined
  line: Line | undefined
  isPhone: boolean
  isOn: boolean
  isActive: boolean
  /** Always the same function: a row is drawn again only if something of it has changed. */
  onToggle(host: string): void
}

export const FleetRow = memo(function FleetRow(props: Props) {
  const { index, startPx, isOn, isActive, isPhone, onToggle } = props
  const agent = props.agent && { ...props.agent, ...props.live }
  const style = {
    position: 'absolute',
    top: 0,
    left: 0,
    right: 0,
    transform: `translateY(${startPx}px)`,
  } as const
  if (!agent) return <div role="row" className="grid-row" style={style} />
  const shown = { agent, line: props.line, stale: staleText(agent) }
  const box = <SelectBox agent={agent} isOn={isOn} onToggle={() => onToggle(agent.host)} />
  return isPhone ? (
    <div role="row" style={{ ...style, paddingBottom: 8 }}>
      <HostCard agent={agent} box={box} />
    </div>
  ) : (
    <div
      role="row"
      aria-rowindex={index + 2}
      aria-selected={isOn}
      className="grid-row"
      data-active={isActive || undefined}
      data-host={agent.host}
      style={{ ...style, gridTemplateColumns: COLUMN_WIDTHS }}
    >
      <span role="gridcell">{box}</span>
      {FLEET_COLUMNS.map(({ key, cell }) => (
        <span key={key} role="gridcell">
          {cell(shown)}
        </span>
      ))}
    </div>
  )
})

const SelectBox = ({ agent, isOn, onToggle }: { agent: AgentView; isOn: boolean; onToggle(): void }) => (
  <input
    type="checkbox"
    className="check"
    checked={isOn}
    onChange={onToggle}
    aria-label={t('fleet.select', { host: agent.host })}
  />
)

interface Shown {
  agent: AgentView
  line: Line | undefined
  /** Since when the values are out of date; undefined while they are current. */
  stale: string | undefined
}

interface FleetColumn {
  key: string
  label: MessageKey
  cell(row: Shown): ReactNode
}

/** The columns beside that of the checkboxes. One whose key is an order sorts by it. */
export const FLEET_COLUMNS: readonly FleetColumn[] = [
  { key: 'host', label: 'fleet.host', cell: ({ agent }) => <HostName host={agent.host} /> },
  {
    key: 'state',
    label: 'fleet.state',
    cell: ({ agent }) => <StateBadge state={agent.state} reason={agent.stateReason} />,
  },
  { key: 'labels', label: 'fleet.labelsHead', cell: ({ agent }) => <Labels labels={agent.labels} /> },
  { key: 'address', label: 'fleet.address', cell: ({ agent }) => <Untrusted>{agent.address}</Untrusted> },
  { key: 'cpu', label: 'fleet.cpu', cell: (row) => <Meter {...row} measure="cpu" /> },
  { key: 'memory', label: 'fleet.memory', cell: (row) => <Meter {...row} measure="memory" /> },
  {
    key: 'disk',
    label: 'fleet.disk',
    cell: ({ agent, stale }) => (
      <span className={`num ${stale ? 'stale' : ''}`} title={stale}>
        {percentText(agent.diskPercent)}
      </span>
    ),
  },
  { key: 'lastAnswer', label: 'fleet.lastAnswer', cell: ({ agent }) => <Ago at={agent.lastAnswerAt} /> },
  { key: 'nextCall', label: 'fleet.nextCall', cell: ({ agent }) => <Ago at={agent.nextCallAt} /> },
  {
    key: 'version',
    label: 'fleet.version',
    cell: ({ agent }) => (
      <span title={agent.version ?? undefined}>
        <Untrusted>{agent.version ?? '–'}</Untrusted>
      </span>
    ),
  },
]

const HostName = ({ host }: { host: string }) => (
  <Link to="/hosts/$host" params={{ host }} className="row-link">
    <Untrusted>{host}</Untrusted>
  </Link>
)

/** Returns since when the values of a host are out of date; undefined while it responds. */
const staleText = ({ state, lastAnswerAt }: AgentView) =>
  areValuesStale(state)
    ? lastAnswerAt === null
      ? t('fleet.neverMeasured')
      : t('fleet.measuredAt', { time: momentText(lastAnswerAt) })
    : undefined

function Meter({ agent, line, stale, measure }: Shown & { measure: 'cpu' | 'memory' }) {
  const value = agent[`${measure}Percent`]
  const values = line?.[measure]
  // What was so once raises no alarm now.
  const color = value !== null && value > 90 && !stale ? 'var(--bad)' : 'var(--mantine-color-anchor)'
  return (
    <Group gap={6} wrap="nowrap" className={stale && 'stale'} title={stale}>
      <span className="num" style={{ width: 42, textAlign: 'right' }}>
        {percentText(value)}
      </span>
      {values && <Sparkline values={values} label={t(`fleet.${measure}`)} color={color} />}
    </Group>
  )
}

export function Labels({ labels }: { labels: Record<string, string> }) {
  return Object.entries(labels).map(([key, value]) => (
    <span key={key} className="label">
      <Untrusted>{value ? `${key}=${value}` : key}</Untrusted>
    </span>
  ))
}

function HostCard({ agent, box }: { agent: AgentView; box: ReactNode }) {
  return (
    <Card withBorder padding="sm" h={CARD_PX - 8}>
      <Stack gap={4}>
        <Group justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap" miw={0}>
            {box}
            <HostName host={agent.host} />
          </Group>
          <StateBadge state={agent.state} reason={agent.stateReason} />
        </Group>
        <Text size="xs" c="dimmed" truncate>
          <Untrusted>{agent.address}</Untrusted> · <Ago at={agent.lastAnswerAt} />
        </Text>
        <Text size="xs" className={staleText(agent) && 'stale'} title={staleText(agent)}>
          {t('fleet.cpu')} {percentText(agent.cpuPercent)} · {t('fleet.memory')}{' '}
          {percentText(agent.memoryPercent)} · {t('fleet.disk')} {percentText(agent.diskPercent)}
        </Text>
        <div style={{ overflow: 'hidden', height: 22 }}>
          <Labels labels={agent.labels} />
        </div>
      </Stack>
    </Card>
  )
}
