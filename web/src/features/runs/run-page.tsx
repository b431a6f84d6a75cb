import { Button, Group, Paper, Stack, Table, Tabs, Text } from '@mantine/core'
import type { RunCommand, RunView } from '@rollcall/contracts/admin'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useEffect, useState } from 'react'
import { call } from '../../api/client.ts'
import { live } from '../../api/live.ts'
import { useMay } from '../../api/session.ts'
import { bytesOf } from '../../api/use-output.ts'
import { t } from '../../i18n/index.tsx'
import { Ago } from '../../ui/moment.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { EmptyState, ErrorState, PageHeader, Waiting } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { commandLine } from '../../ui/words.ts'
import { styled } from '../commands/ansi.ts'
import { OutputViewer } from '../commands/output-viewer.tsx'
import { RunBar } from './run-bar.tsx'

/** Drawn at a time; a run may have ten thousand hosts. */
const MOST_ROWS = 500

export function RunPage() {
  const { id } = useParams({ from: '/inside/runs/$id' })
  const { data, error } = useQuery({
    queryKey: ['run', id],
    queryFn: ({ signal }) => call('showRun', { params: { id } }, signal),
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (error) return <ErrorState error={error} />
  if (!data) return <Waiting />
  return <Shown key={id} initial={data.run} />
}

/** Counts and commands of a run as they change. */
function useLiveRun(initial: RunView) {
  const [run, setRun] = useState(initial)
  const [commands, setCommands] = useState<ReadonlyMap<string, RunCommand>>(new Map())
  const client = useQueryClient()
  useEffect(
    () =>
      live.follow({
        takes: (event) =>
          (event.type === 'run' && event.runId === initial.id) ||
          (event.type === 'run-end' && event.run.id === initial.id),
        begin: () => ({ type: 'follow-run', runId: initial.id }),
        end: () => ({ type: 'unfollow-run', runId: initial.id }),
        onEvent(event) {
          if (event.type === 'run-end') {
            setRun(event.run)
            void client.invalidateQueries({ queryKey: ['run-summary', initial.id] })
          } else if (event.type === 'run') {
            setRun((now) => ({ ...now, counts: event.counts }))
            setCommands((now) => {
              const next = new Map(now)
              for (const command of event.commands) next.set(command.id, command)
              return next
            })
          }
        },
      }),
    [initial.id, client],
  )
  return { run, setRun, commands }
}

function Shown({ initial }: { initial: RunView }) {
  const { run, setRun, commands } = useLiveRun(initial)
  const mayRun = useMay('commands:run')
  const [opened, setOpened] = useState<string>()
  const cancel = async () => setRun((await call('cancelRun', { params: { id: run.id } })).run)
  const isOver = run.endedAt !== null
  const again = opened ?? [...commands.keys()][0]
  return (
    <Stack>
      <PageHeader
        title={
          <Text ff="monospace" fw={600} fz="lg" span>
            <Untrusted>{commandLine(run.program, run.args)}</Untrusted>
          </Text>
        }
        below={
          <Text size="sm" c="dimmed">
            <Untrusted>{run.requestedBy}</Untrusted> · <Ago at={run.createdAt} /> ·{' '}
            {t('run.onHosts', { count: run.total })}
          </Text>
        }
      >
        {mayRun && again && (
          <Button variant="default" component={Link} to="/run" search={{ from: again } as never}>
            {t('command.again')}
          </Button>
        )}
        {mayRun && !isOver && (
          <Button color="red" onClick={cancel} disabled={run.cancelRequested}>
            {run.cancelRequested ? t('command.cancelling') : t('run.cancel')}
          </Button>
        )}
      </PageHeader>
      <RunBar counts={run.counts} total={run.total} />
      {run.stoppedAt && <Text c="red">{t('run.stopped')}</Text>}
      {run.skipped.length > 0 && (
        <Text size="sm" c="dimmed">
          {t('run.skipped', {
            hosts: run.skipped
              .slice(0, 20)
              .map(({ host, reason }) => `${host} (${reason})`)
              .join(', '),
          })}
        </Text>
      )}
      <Tabs defaultValue="hosts" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="hosts">{t('run.byHost')}</Tabs.Tab>
          <Tabs.Tab value="groups">{t('run.byOutput')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="hosts" pt="md">
          <ByHost runId={run.id} commands={commands} opened={opened} onOpen={setOpened} />
        </Tabs.Panel>
        <Tabs.Panel value="groups" pt="md">
          <Groups runId={run.id} isOver={isOver} />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  )
}

/** Those that went wrong come first. */
const WEIGHT = { failed: 0, timed_out: 0, lost: 0, running: 1, pending: 2, cancelled: 3, success: 4 }

function ByHost(props: {
  runId: string
  commands: ReadonlyMap<string, RunCommand>
  opened: string | undefined
  onOpen(id: string): void
}) {
  const pending = useQuery({
    queryKey: ['run-commands', props.runId],
    queryFn: ({ signal }) =>
      call('listCommands', { query: { runId: props.runId, limit: MOST_ROWS } }, signal),
  })
  const rows = new Map<string, RunCommand>(
    (pending.data?.commands ?? []).map(
      ({ id, host, state, isHeld, exitCode, signal, reasonCode, reason }) => [
        id,
        { id, host: host.name, state, isHeld, exitCode, signal, reasonCode, reason },
      ],
    ),
  )
  for (const [id, command] of props.commands) rows.set(id, command)
  const sorted = [...rows.values()]
    .sort((a, b) => WEIGHT[a.state] - WEIGHT[b.state] || a.host.localeCompare(b.host))
    .slice(0, MOST_ROWS)
  const opened = props.opened ?? (sorted.length === 1 ? sorted[0]?.id : undefined)
  return (
    <Stack>
      <Table highlightOnHover>
        <Table.Tbody>
          {sorted.map((command) => (
            <Table.Tr
              key={command.id}
              bg={command.id === opened ? 'var(--mantine-color-default-hover)' : undefined}
            >
              <Table.Td w={170}>
                <StateBadge state={command.isHeld ? 'held' : command.state} reason={command.reason} />
              </Table.Td>
              <Table.Td>
                <Button variant="subtle" size="compact-sm" onClick={() => props.onOpen(command.id)}>
                  <Untrusted>{command.host}</Untrusted>
                </Button>
              </Table.Td>
              <Table.Td>
                {command.exitCode !== null && t('command.exit', { code: command.exitCode })}
                {command.reason && (
                  <Text size="xs" c="dimmed">
                    <Untrusted>{command.reason}</Untrusted>
                  </Text>
                )}
              </Table.Td>
              <Table.Td w={90}>
                <Link to="/commands/$id" params={{ id: command.id }}>
                  {t('run.open')}
                </Link>
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
      {opened && <HostOutput key={opened} id={opened} />}
    </Stack>
  )
}

function HostOutput({ id }: { id: string }) {
  const { data } = useQuery({
    queryKey: ['command', id],
    queryFn: ({ signal }) => call('showCommand', { params: { id } }, signal),
  })
  const [changed, setChanged] = useState(data?.command)
  const command = changed ?? data?.command
  if (!command) return <Waiting />
  return <OutputViewer command={command} onCommand={setChanged} height="42vh" />
}

function Groups({ runId, isOver }: { runId: string; isOver: boolean }) {
  const summary = useQuery({
    queryKey: ['run-summary', runId],
    queryFn: ({ signal }) => call('summarizeRun', { params: { id: runId } }, signal),
    refetchInterval: isOver ? false : 2000,
  })
  if (summary.isPending) return <Waiting />
  if (summary.error) return <ErrorState error={summary.error} />
  if (summary.data.groups.length === 0) return <EmptyState title={t('runs.none')} />
  return (
    <Stack>
      {summary.data.groups.map((group) => (
        <Paper key={group.commandId} withBorder p="sm">
          <Group gap="sm" mb="xs">
            <StateBadge state={group.isHeld ? 'held' : group.state} />
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
  const text = parts.map((part) => decoder.decode(bytesOf(part), { stream: true })).join('')
  return text.replace(/\n$/, '').split('\n')
}
