import { Button, Group, Text, VisuallyHidden } from '@mantine/core'
import type { CheckStatus, InstancePort, InstanceView } from '@rollcall/contracts/admin'
import { Link } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { HostLink } from '../../ui/host-link.tsx'
import { Ago } from '../../ui/moment.tsx'
import { Reason } from '../../ui/reason.tsx'
import { type Column, ResourceTable } from '../../ui/resource-table.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { mostUrgent } from './instance-squares.tsx'
import { OperationButton } from './service-actions.tsx'
import { healthWord, InstanceBadge } from './service-states.tsx'

/** Rows that are drawn at first, and with each click on "more". */
const ROWS = 200

interface Props {
  reference: string
  instances: readonly InstanceView[]
  /** The slot that was chosen: its row is brought into view. */
  picked?: number | undefined
  onWhy(slot: number): void
}

/** Shows where each instance of a service is and how it does. */
export function InstanceTable({ reference, instances, picked, onWhy }: Props) {
  const [max, setMax] = useState(ROWS)
  const shown = mostUrgent(instances, max)
  const chosen = instances.filter(({ slot }) => slot === picked)
  const rows = [...shown, ...chosen.filter((each) => !shown.includes(each))]
  usePickedRow(chosen.at(-1)?.name)
  return (
    <>
      <ResourceTable
        rows={rows}
        toKey={({ id }) => id}
        minWidth={980}
        empty={{ title: t('instances.none') }}
        columns={columns()}
        rowProps={({ name, slot }) => ({
          'data-instance': name,
          'data-picked': slot === picked || undefined,
          tabIndex: -1,
          style: { verticalAlign: 'top' },
        })}
        actions={(instance) => <InstanceActions reference={reference} instance={instance} onWhy={onWhy} />}
      />
      {rows.length < instances.length && (
        <Button variant="default" w="fit-content" onClick={() => setMax(max + ROWS)}>
          {t('instances.more', { count: instances.length - rows.length })}
        </Button>
      )}
    </>
  )
}

/** Brings the row of an instance into view, and the focus to it, whenever another is chosen. */
function usePickedRow(name: string | undefined) {
  useEffect(() => {
    if (name === undefined) return
    const row = document.querySelector<HTMLElement>(`[data-instance="${CSS.escape(name)}"]`)
    row?.scrollIntoView({ block: 'nearest' })
    row?.focus({ preventScroll: true })
  }, [name])
}

interface ActionsProps extends Pick<Props, 'reference' | 'onWhy'> {
  instance: InstanceView
}

function InstanceActions({ reference, instance: { slot, wanted }, onWhy }: ActionsProps) {
  const mayWrite = useMay('services:write')
  return (
    <Group gap={6}>
      <Button size="xs" variant="default" onClick={() => onWhy(slot)}>
        {t('instances.why')}
      </Button>
      {mayWrite && wanted === 'running' && (
        <>
          <OperationButton reference={reference} slot={slot} action="restart" size="xs" />
          <OperationButton reference={reference} slot={slot} action="stop" size="xs" />
        </>
      )}
      {mayWrite && wanted === 'stopped' && (
        <OperationButton reference={reference} slot={slot} action="start" size="xs" />
      )}
    </Group>
  )
}

/** `20411 → 80/tcp`, with the container where there are several. */
export const portText = ({ published, target, protocol, hostIp }: InstancePort): string =>
  `${hostIp ? `${hostIp.includes(':') ? `[${hostIp}]` : hostIp}:` : ''}${published} → ${target}/${protocol}`

const columns = (): Column<InstanceView>[] => [
  { head: t('instances.instance'), cell: ({ name }) => name },
  {
    head: t('services.stateHead'),
    minWidth: 150,
    maxWidth: 380,
    cell: ({ state, health, reason, isHeld, commandId }) => (
      <>
        <InstanceBadge state={state} health={health} reason={reason} />
        <Reason text={reason} size="xs" c="dimmed" />
        {commandId && (
          <Text size="xs">
            <Link to="/commands/$id" params={{ id: commandId }}>
              {t('instances.step')}
            </Link>
          </Text>
        )}
        {isHeld && (
          <Text size="xs" c="dimmed">
            {t('instances.waits')}
          </Text>
        )}
      </>
    ),
  },
  {
    head: t('fleet.host'),
    cell: ({ host }) => (host ? <HostLink host={host.name} reason={null} /> : t('services.nowhere')),
  },
  {
    head: t('instances.ports'),
    cell: ({ ports }) => (
      <div className="ports">
        {ports.map((port) => (
          <div key={`${port.container} ${port.protocol} ${port.published}`} className="num">
            {portText(port)}
          </div>
        ))}
      </div>
    ),
  },
  {
    head: t('instances.containers'),
    minWidth: 112,
    cell: ({ containers, checks }) => (
      <>
        {containers.map(({ name, state, restarts }) => (
          <Text key={name} size="xs">
            <Untrusted>{`${name}: ${state}`}</Untrusted>
            {restarts > 0 && ` · ${t('instances.restarts', { count: restarts })}`}
          </Text>
        ))}
        {checks.map((check) => (
          <Check key={JSON.stringify(check)} check={check} />
        ))}
      </>
    ),
  },
  {
    head: t('instances.since'),
    minWidth: 150,
    cell: ({ state, stateSince, health, healthSince }) => (
      <>
        <Ago at={stateSince} />
        {state === 'running' && health !== 'unknown' && (
          <Text size="xs" c="dimmed">
            {healthWord(health)}: <Ago at={healthSince} />
          </Text>
        )}
      </>
    ),
  },
  {
    head: t('services.revision'),
    cell: ({ runningRevision, revision }) => revisionText(runningRevision, revision),
  },
]

const CHECK_SIGNS = { success: '✓', failed: '✕', starting: '◔' } as const
const CHECK_COLORS = { success: 'var(--ok)', failed: 'var(--bad)', starting: 'var(--busy)' } as const

/** Shows a check with what it found; the word is for those who do not see the sign. */
const Check = ({ check: { container, kind, state, detail } }: { check: CheckStatus }) => (
  <Text size="xs" data-check={state}>
    <span aria-hidden style={{ color: CHECK_COLORS[state] }}>
      {CHECK_SIGNS[state]}
    </span>{' '}
    <VisuallyHidden>{t(`instances.check.${state}`)}</VisuallyHidden>
    <Untrusted>{`${container} ${kind}${detail === null ? '' : `: ${detail}`}`}</Untrusted>
  </Text>
)

const revisionText = (running: number | null, wanted: number) =>
  running === wanted ? String(wanted) : `${running ?? '–'} → ${wanted}`
