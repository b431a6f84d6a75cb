import { Group, Text } from '@mantine/core'
import type { HostEvent } from '@rollcall/contracts/admin'
import { useQuery } from '@tanstack/react-query'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { momentText } from '../../ui/format-values.ts'
import { Ago } from '../../ui/moment.tsx'
import { StateBadge, toColor } from '../../ui/state-badge.tsx'
import { blocks, EmptyState, ErrorState, Waiting } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'

export function Timeline({ name }: { name: string }) {
  const history = useQuery({
    queryKey: ['host-history', name],
    queryFn: ({ signal }) => call('hostHistory', { params: { host: name }, query: { limit: 200 } }, signal),
  })
  if (blocks(history)) return <ErrorState error={history.error} />
  if (!history.data) return <Waiting />
  if (history.data.events.length === 0) return <EmptyState title={t('host.noEvents')} />
  return (
    <ol className="timeline">
      {history.data.events.map((event) => (
        <TimelineEvent key={event.id} event={event} />
      ))}
    </ol>
  )
}

function TimelineEvent({ event }: { event: HostEvent }) {
  return (
    <li style={{ '--dot': toColor(event.to) } as React.CSSProperties}>
      <Group gap="xs">
        <StateBadge state={event.to} />
        <Text size="sm" c="dimmed">
          {momentText(event.at)} · <Ago at={event.at} />
        </Text>
      </Group>
      {event.reason && (
        <Text size="sm">
          <Untrusted>{event.reason}</Untrusted>
        </Text>
      )}
    </li>
  )
}
