import { Button, Group, Paper, Stack, Text } from '@mantine/core'
import type { CommandView } from '@rollcall/contracts/admin'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { Ago } from '../../ui/moment.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { blocks, ErrorState, PageHeader, Waiting } from '../../ui/states.tsx'
import { tellFailure } from '../../ui/tell-failure.ts'
import { Untrusted } from '../../ui/untrusted.tsx'
import { PreflightList } from '../hosts/preflight-list.tsx'
import { CommandOutcome } from './command-outcome.tsx'
import { tookText, toTitle } from './command-table.tsx'
import { isOver } from './is-over.ts'

export function CommandPage() {
  const { id } = useParams({ from: '/inside/commands/$id' })
  const { data, error } = useQuery({
    queryKey: ['command', id],
    queryFn: ({ signal }) => call('showCommand', { params: { id } }, signal),
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (blocks({ error, data })) return <ErrorState error={error} />
  if (!data) return <Waiting />
  return <Shown key={id} initial={data.command} />
}

function Shown({ initial }: { initial: CommandView }) {
  const [command, setCommand] = useState(initial)
  const mayRun = useMay('commands:run')
  const mayOpenTerminals = useMay('terminals:open')
  const cancel = () =>
    tellFailure(async () => setCommand((await call('cancelCommand', { params: { id: command.id } })).command))
  return (
    <Stack>
      <PageHeader
        name={`${toTitle(command)} (${command.host.name})`}
        title={
          <Text ff="monospace" fw={600} fz="lg" lineClamp={2} span>
            <Untrusted>{toTitle(command)}</Untrusted>
          </Text>
        }
        below={
          <Group gap="sm">
            <StateBadge state={command.isHeld ? 'held' : command.state} reason={command.reason} />
            {command.exitCode !== null && (
              <Text size="sm">{t('command.exit', { code: command.exitCode })}</Text>
            )}
            <Link to="/hosts/$host" params={{ host: command.host.name }}>
              <Untrusted>{command.host.name}</Untrusted>
            </Link>
            <Text size="sm" c="dimmed">
              <Untrusted>{command.requestedBy}</Untrusted> · <Ago at={command.createdAt} /> ·{' '}
              {tookText(command)}
            </Text>
          </Group>
        }
      >
        {(command.kind === 'command' || command.kind === 'playbook') && (
          <Button component={Link} to="/runs/$id" params={{ id: command.runId } as never} variant="default">
            {t('command.run')}
          </Button>
        )}
        {mayRun && command.kind === 'command' && (
          <Button component={Link} to="/run" search={{ from: command.id } as never} variant="default">
            {t('command.again')}
          </Button>
        )}
        {mayOpenTerminals && command.tty && !isOver(command) && (
          <Button
            component={Link}
            to="/terminals"
            search={{ command: command.id } as never}
            variant="default"
          >
            {t('command.terminal')}
          </Button>
        )}
        {mayRun && !isOver(command) && (
          <Button color="red" onClick={cancel} disabled={command.cancelRequested}>
            {command.cancelRequested ? t('command.cancelling') : t('command.cancel')}
          </Button>
        )}
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
