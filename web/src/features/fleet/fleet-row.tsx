import { Card, Group, Stack, Text } from '@mantine/core'
import { type AgentView, areValuesStale, type Sparkline as Line } from '@rollcall/contracts/admin'
import { Link } from '@tanstack/react-router'
import { memo } from 'react'
import { t } from '../../i18n/index.tsx'
import { momentText, percentText } from '../../ui/format-values.ts'
import { Ago } from '../../ui/moment.tsx'
import { Sparkline } from '../../ui/sparkline.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'

export const CARD_PX = 126
export const COLUMNS =
  '24px minmax(104px, 1.5fr) 118px minmax(84px, 1.6fr) minmax(96px, 1fr) 106px 106px 42px 82px 74px minmax(56px, 0.6fr)'

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
      style={{ ...style, gridTemplateColumns: COLUMNS }}
    >
      <Cells agent={agent} box={box} line={props.line} />
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

function Cells({ agent, box, line }: { agent: AgentView; box: React.ReactNode; line: Line | undefined }) {
  const stale = staleText(agent)
  return (
    <>
      <span role="gridcell">{box}</span>
      <span role="gridcell">
        <Link to="/hosts/$host" params={{ host: agent.host }} className="row-link">
          <Untrusted>{agent.host}</Untrusted>
        </Link>
      </span>
      <span role="gridcell">
        <StateBadge state={agent.state} reason={agent.stateReason} />
      </span>
      <span role="gridcell">
        <Labels labels={agent.labels} />
      </span>
      <span role="gridcell">
        <Untrusted>{agent.address}</Untrusted>
      </span>
      <Meter value={agent.cpuPercent} values={line?.cpu} label={t('fleet.cpu')} stale={stale} />
      <Meter value={agent.memoryPercent} values={line?.memory} label={t('fleet.memory')} stale={stale} />
      <span role="gridcell" className={`num ${stale ? 'stale' : ''}`} title={stale}>
        {percentText(agent.diskPercent)}
      </span>
      <span role="gridcell">
        <Ago at={agent.lastAnswerAt} />
      </span>
      <span role="gridcell">
        <Ago at={agent.nextCallAt} />
      </span>
      <span role="gridcell">
        <Untrusted>{agent.version ?? '–'}</Untrusted>
      </span>
    </>
  )
}

/** Returns since when the values of a host are out of date; undefined while it responds. */
const staleText = ({ state, lastAnswerAt }: AgentView) =>
  areValuesStale(state)
    ? lastAnswerAt === null
      ? t('fleet.neverMeasured')
      : t('fleet.measuredAt', { time: momentText(lastAnswerAt) })
    : undefined

function Meter({
  value,
  values,
  label,
  stale,
}: {
  value: number | null
  values: (number | null)[] | undefined
  label: string
  /** Since when the value is out of date; undefined while it is current. */
  stale: string | undefined
}) {
  // What was so once raises no alarm now.
  const color = value !== null && value > 90 && !stale ? 'var(--bad)' : 'var(--mantine-primary-color-filled)'
  return (
    <span
      role="gridcell"
      className={stale ? 'stale' : undefined}
      title={stale}
      style={{ display: 'flex', gap: 6, alignItems: 'center' }}
    >
      <span className="num" style={{ width: 42, textAlign: 'right' }}>
        {percentText(value)}
      </span>
      {values && <Sparkline values={values} label={label} color={color} />}
    </span>
  )
}

export function Labels({ labels }: { labels: Record<string, string> }) {
  return Object.entries(labels).map(([key, value]) => (
    <span key={key} className="label">
      <Untrusted>{value ? `${key}=${value}` : key}</Untrusted>
    </span>
  ))
}

function HostCard({ agent, box }: { agent: AgentView; box: React.ReactNode }) {
  return (
    <Card withBorder padding="sm" h={CARD_PX - 8}>
      <Stack gap={4}>
        <Group justify="space-between" wrap="nowrap">
          <Group gap="xs" wrap="nowrap" miw={0}>
            {box}
            <Link to="/hosts/$host" params={{ host: agent.host }} className="row-link">
              <Untrusted>{agent.host}</Untrusted>
            </Link>
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
