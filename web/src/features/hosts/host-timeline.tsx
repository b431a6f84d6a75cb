import { Group, Text } from '@mantine/core'
import type { HostEvent } from '@rollcall/contracts/admin'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import { momentText } from '../../ui/format-values.ts'
import { Loaded } from '../../ui/loaded.tsx'
import { Ago } from '../../ui/moment.tsx'
import { Reason } from '../../ui/reason.tsx'
import { StateBadge, toColor } from '../../ui/state-badge.tsx'
import { EmptyState } from '../../ui/states.tsx'

export function Timeline({ name }: { name: string }) {
  const history = useAnswer('hostHistory', { params: { host: name }, query: { limit: 200 } })
  return (
    <Loaded query={history}>
      {({ events }) =>
        events.length === 0 ? (
          <EmptyState title={t('host.noEvents')} />
        ) : (
          <ol className="timeline">
            {events.map((event) => (
              <TimelineEvent key={event.id} event={event} />
            ))}
          </ol>
        )
      }
    </Loaded>
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
      <Reason text={event.reason} />
    </li>
  )
}
