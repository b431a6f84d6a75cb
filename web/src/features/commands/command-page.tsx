import { Button, Group, Paper, Stack, Text } from '@mantine/core'
import { type CommandView, toRunState } from '@rollcall/contracts/admin'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { Loaded } from '../../ui/loaded.tsx'
import { Ago } from '../../ui/moment.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { useRequest } from '../../ui/use-request.ts'
import { PreflightList } from '../hosts/preflight-list.tsx'
import { CommandOutcome } from './command-outcome.tsx'
import { tookText, toTitle } from './command-table.tsx'
import { isOver } from './is-over.ts'

export const page = {
  path: '/commands/$id',
  needs: 'commands:read',
} satisfies PageEntry

export default function CommandPage() {
  const { id } = useParams({ from: '/inside/commands/$id' })
  const command = useQuery({
    queryKey: ['command', id],
    queryFn: ({ signal }) => call('showCommand', { params: { id } }, signal),
    staleTime: Number.POSITIVE_INFINITY,
  })
  return <Loaded query={command}>{(data) => <Command key={id} initial={data.command} />}</Loaded>
}

function Command({ initial }: { initial: CommandView }) {
  const [command, setCommand] = useState(initial)
  return (
    <Stack>
      <PageHeader
        name={`${toTitle(command)} (${command.host.name})`}
        title={
          <Text ff="monospace" fw={600} fz="lg" lineClamp={2} span>
            <Untrusted>{toTitle(command)}</Untrusted>
          </Text>
        }
        below={<Summary command={command} />}
      >
        <Actions command={command} onChange={setCommand} />
      </PageHeader>
      {command.reason && (
        <Paper withBorder p="sm">
          <Text size="sm">
            <Untrusted>{command.reason}</Untrusted>
          </Text>
        </Paper>
      )}
      {command.kind === 'install' && <PreflightList commandId={command.id} isOver={isOver(command)} />}
      <CommandOutcome command={command} onCommand={setCommand} height="calc(100dvh - 290px)" />
    </Stack>
  )
}

const Summary = ({ command }: { command: CommandView }) => (
  <Group gap="sm">
    <StateBadge state={toRunState(command)} reason={command.reason} />
    {command.exitCode !== null && <Text size="sm">{t('command.exit', { code: command.exitCode })}</Text>}
    <Link to="/hosts/$host" params={{ host: command.host.name }}>
      <Untrusted>{command.host.name}</Untrusted>
    </Link>
    <Text size="sm" c="dimmed">
      <Untrusted>{command.requestedBy}</Untrusted> · <Ago at={command.createdAt} /> · {tookText(command)}
    </Text>
  </Group>
)

function Actions({ command, onChange }: { command: CommandView; onChange(command: CommandView): void }) {
  const { id, runId, kind, tty, cancelRequested } = command
  const mayRun = useMay('commands:run')
  const mayOpenTerminals = useMay('terminals:open')
  const cancel = useRequest(() => call('cancelCommand', { params: { id } }), {
    onSent: (answer) => onChange(answer.command),
    isFailureShown: true,
  })
  return (
    <>
      {(kind === 'command' || kind === 'playbook') && (
        <Button component={Link} to="/runs/$id" params={{ id: runId } as never} variant="default">
          {t('command.run')}
        </Button>
      )}
      {mayRun && kind === 'command' && (
        <Button component={Link} to="/run" search={{ from: id } as never} variant="default">
          {t('command.again')}
        </Button>
      )}
      {mayOpenTerminals && tty && !isOver(command) && (
        <Button component={Link} to="/terminals" search={{ command: id } as never} variant="default">
          {t('command.terminal')}
        </Button>
      )}
      {mayRun && !isOver(command) && (
        <Button color="red" onClick={() => cancel.mutate()} disabled={cancelRequested || cancel.isPending}>
          {cancelRequested ? t('command.cancelling') : t('command.cancel')}
        </Button>
      )}
    </>
  )
}
