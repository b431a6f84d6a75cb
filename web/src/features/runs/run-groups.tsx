import { Group, Paper, Stack, Text } from '@mantine/core'
import { type OutcomeGroup, toRunState } from '@rollcall/contracts/admin'
import { Link } from '@tanstack/react-router'
import { useAnswer } from '../../api/use-answer.ts'
import { toBytes } from '../../api/use-output.ts'
import { t } from '../../i18n/index.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Reason } from '../../ui/reason.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { EmptyState } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { StyledLine } from '../commands/output-pane.tsx'

export function RunGroups({ runId, isOver }: { runId: string; isOver: boolean }) {
  const input = { params: { id: runId } }
  const summary = useAnswer('summarizeRun', input, { refetchInterval: isOver ? false : 2000 })
  return (
    <Loaded query={summary}>
      {({ groups }) =>
        groups.length === 0 ? (
          <EmptyState title={t('runs.none')} />
        ) : (
          <Stack>
            {groups.map((group) => (
              <OutcomePaper key={group.commandId} group={group} />
            ))}
          </Stack>
        )
      }
    </Loaded>
  )
}

const OutcomePaper = ({ group }: { group: OutcomeGroup }) => (
  <Paper withBorder p="sm">
    <Group gap="sm" mb="xs">
      <StateBadge state={toRunState(group)} />
      <Text size="sm" fw={600}>
        {t('run.onHosts', { count: group.hosts.length })}
      </Text>
      <Text size="sm" c="dimmed">
        <Untrusted>{`${group.hosts.slice(0, 30).join(', ')}${group.hosts.length > 30 ? ' …' : ''}`}</Untrusted>
      </Text>
    </Group>
    <Reason text={group.reason} />
    {group.sample.length > 0 && (
      <div className="output" style={{ contain: 'content', maxHeight: 300, padding: '6px 0' }}>
        {sampleLines(group.sample.map(({ data }) => data)).map((line, i) => (
          // biome-ignore lint/suspicious/noArrayIndexKey: lines of one sample, which never change places
          <div className="line" key={i}>
            <StyledLine text={line} />
          </div>
        ))}
      </div>
    )}
    <Link to="/commands/$id" params={{ id: group.commandId }}>
      {group.isSampleWhole ? t('run.open') : t('run.openRest')}
    </Link>
  </Paper>
)

function sampleLines(parts: string[]): string[] {
  const decoder = new TextDecoder()
  const text = parts.map((part) => decoder.decode(toBytes(part), { stream: true })).join('')
  return text.replace(/\n$/, '').split('\n')
}
