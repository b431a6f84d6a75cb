import { Button, Group, Text } from '@mantine/core'
import type { InstancePort, InstanceView } from '@rollcall/contracts/admin'
import { Link } from '@tanstack/react-router'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { HostLink } from '../../ui/host-link.tsx'
import { Ago } from '../../ui/moment.tsx'
import { Reason } from '../../ui/reason.tsx'
import { type Column, ResourceTable } from '../../ui/resource-table.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { OperationButton } from './service-actions.tsx'
import { InstanceBadge } from './service-states.tsx'

interface Props {
  reference: string
  instances: readonly InstanceView[]
  onWhy(slot: number): void
}

/** Shows where each instance of a service is and how it does. */
export function InstanceTable({ reference, instances, onWhy }: Props) {
  const mayWrite = useMay('services:write')
  return (
    <ResourceTable
      rows={instances}
      toKey={({ id }) => id}
      minWidth={980}
      empty={{ title: t('instances.none') }}
      columns={columns()}
      rowProps={({ name }) => ({ 'data-instance': name, style: { verticalAlign: 'top' } })}
      actions={({ slot, wanted }) => (
        <Group gap={6} justify="flex-end" wrap="nowrap" className="row-actions">
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
      )}
    />
  )
}

/** `20411 → 80/tcp`, with the container where there are several. */
export const portText = ({ published, target, protocol, hostIp }: InstancePort): string =>
  `${hostIp ? `${hostIp.includes(':') ? `[${hostIp}]` : hostIp}:` : ''}${published} → ${target}/${protocol}`

const columns = (): Column<InstanceView>[] => [
  { head: t('instances.instance'), cell: ({ name }) => name },
  {
    head: t('services.stateHead'),
    minWidth: 200,
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
    cell: ({ containers }) =>
      containers.map(({ name, state, restarts }) => (
        <Text key={name} size="xs">
          <Untrusted>{`${name}: ${state}`}</Untrusted>
          {restarts > 0 && ` · ${t('instances.restarts', { count: restarts })}`}
        </Text>
      )),
  },
  { head: t('instances.since'), cell: ({ stateSince }) => <Ago at={stateSince} /> },
  {
    head: t('services.revision'),
    cell: ({ runningRevision, revision }) => revisionText(runningRevision, revision),
  },
]

const revisionText = (running: number | null, wanted: number) =>
  running === wanted ? String(wanted) : `${running ?? '–'} → ${wanted}`
