import { Button, Stack, Table, Text } from '@mantine/core'
import type { RunCommand } from '@rollcall/contracts/admin'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { Waiting } from '../../ui/states.tsx'
import { Heads } from '../../ui/table-scroll.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { CommandOutcome } from '../commands/command-outcome.tsx'

/** Drawn at a time; a run may have ten thousand hosts. */
const MAX_ROWS = 500

/** Those that went wrong come first. */
const WEIGHT = { failed: 0, timed_out: 0, lost: 0, running: 1, pending: 2, cancelled: 3, success: 4 }

export function RunHosts(props: {
  runId: string
  commands: ReadonlyMap<string, RunCommand>
  opened: string | undefined
  onOpen(id: string): void
}) {
  const pending = useQuery({
    queryKey: ['run-commands', props.runId],
    queryFn: ({ signal }) => call('listCommands', { query: { runId: props.runId, limit: MAX_ROWS } }, signal),
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
    .slice(0, MAX_ROWS)
  const opened = props.opened ?? (sorted.length === 1 ? sorted[0]?.id : undefined)
  return (
    <Stack>
      <Table highlightOnHover>
        <Heads heads={[t('fleet.state'), t('fleet.host'), t('addHosts.outcome'), '']} />
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
  return <CommandOutcome command={command} onCommand={setChanged} height="42vh" />
}
