import { Group, Paper, Stack, Text } from '@mantine/core'
import { toRunState } from '@rollcall/contracts/admin'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { call } from '../../api/client.ts'
import { toBytes } from '../../api/use-output.ts'
import { t } from '../../i18n/index.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { blocks, EmptyState, ErrorState, Waiting } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { styled } from '../commands/ansi.ts'

export function RunGroups({ runId, isOver }: { runId: string; isOver: boolean }) {
  const summary = useQuery({
    queryKey: ['run-summary', runId],
    queryFn: ({ signal }) => call('summarizeRun', { params: { id: runId } }, signal),
    refetchInterval: isOver ? false : 2000,
  })
  if (blocks(summary)) return <ErrorState error={summary.error} />
  if (!summary.data) return <Waiting />
  if (summary.data.groups.length === 0) return <EmptyState title={t('runs.none')} />
  return (
    <Stack>
      {summary.data.groups.map((group) => (
        <Paper key={group.commandId} withBorder p="sm">
          <Group gap="sm" mb="xs">
            <StateBadge state={toRunState(group)} />
            <Text size="sm" fw={600}>
              {t('run.onHosts', { count: group.hosts.length })}
            </Text>
            <Text size="sm" c="dimmed">
              <Untrusted>{`${group.hosts.slice(0, 30).join(', ')}${group.hosts.length > 30 ? ' …' : ''}`}</Untrusted>
            </Text>
          </Group>
          {group.reason && (
            <Text size="sm">
              <Untrusted>{group.reason}</Untrusted>
            </Text>
          )}
          {group.sample.length > 0 && (
            <div className="output" style={{ contain: 'content', maxHeight: 300, padding: '6px 0' }}>
              {sampleLines(group.sample.map(({ data }) => data)).map((line, i) => (
                // biome-ignore lint/suspicious/noArrayIndexKey: lines of one sample, which never change places
                <div className="line" key={i}>
                  {styled(line).parts.map(({ text, style }, j) => (
                    // biome-ignore lint/suspicious/noArrayIndexKey: as above
                    <span key={j} style={style}>
                      {text}
                    </span>
                  ))}
                </div>
              ))}
            </div>
          )}
          <Link to="/commands/$id" params={{ id: group.commandId }}>
            {group.isSampleWhole ? t('run.open') : t('run.openRest')}
          </Link>
        </Paper>
      ))}
    </Stack>
  )
}

function sampleLines(parts: string[]): string[] {
  const decoder = new TextDecoder()
  const text = parts.map((part) => decoder.decode(toBytes(part), { stream: true })).join('')
  return text.replace(/\n$/, '').split('\n')
}
