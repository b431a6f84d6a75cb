import { Button, Stack } from '@mantine/core'
import { COMMAND_STATE, type RunCommand, toRunState } from '@rollcall/contracts/admin'
import { Link } from '@tanstack/react-router'
import { useState } from 'react'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import { Reason } from '../../ui/reason.tsx'
import { type Column, ResourceTable } from '../../ui/resource-table.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { Waiting } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { CommandOutcome } from '../commands/command-outcome.tsx'

/** Drawn at a time; a run may have ten thousand hosts. */
const MAX_ROWS = 500

const urgencyOf = ({ state }: RunCommand) => COMMAND_STATE.describe(state).urgency

export function RunHosts(props: {
  runId: string
  commands: ReadonlyMap<string, RunCommand>
  opened: string | undefined
  onOpen(id: string): void
}) {
  const pending = useAnswer('listCommands', { query: { runId: props.runId, limit: MAX_ROWS } })
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
    .sort((a, b) => urgencyOf(a) - urgencyOf(b) || a.host.localeCompare(b.host))
    .slice(0, MAX_ROWS)
  const opened = props.opened ?? (sorted.length === 1 ? sorted[0]?.id : undefined)
  return (
    <Stack>
      <ResourceTable
        rows={sorted}
        toKey={({ id }) => id}
        minWidth={420}
        columns={columns(props.onOpen)}
        rowProps={({ id }) => ({ bg: id === opened ? 'var(--mantine-color-default-hover)' : undefined })}
        actions={({ id }) => (
          <Link to="/commands/$id" params={{ id }}>
            {t('run.open')}
          </Link>
        )}
      />
      {opened && <HostOutput key={opened} id={opened} />}
    </Stack>
  )
}

const columns = (onOpen: (id: string) => void): Column<RunCommand>[] => [
  {
    head: t('fleet.state'),
    width: 170,
    cell: (command) => <StateBadge state={toRunState(command)} reason={command.reason} />,
  },
  {
    head: t('fleet.host'),
    cell: ({ id, host }) => (
      <Button variant="subtle" size="compact-sm" onClick={() => onOpen(id)}>
        <Untrusted>{host}</Untrusted>
      </Button>
    ),
  },
  {
    head: t('addHosts.outcome'),
    cell: ({ exitCode, reason }) => (
      <>
        {exitCode !== null && t('command.exit', { code: exitCode })}
        <Reason text={reason} size="xs" c="dimmed" />
      </>
    ),
  },
]

function HostOutput({ id }: { id: string }) {
  const { data } = useAnswer('showCommand', { params: { id } })
  const [changed, setChanged] = useState(data?.command)
  const command = changed ?? data?.command
  if (!command) return <Waiting />
  return <CommandOutcome command={command} onCommand={setChanged} height="42vh" />
}
