import { Button, Group, Paper, Stack, Text } from '@mantine/core'
import { type CommandView, isFinalState, toRunState } from '@rollcall/contracts/admin'
import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { LinkButton } from '../../ui/link-button.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { Reason } from '../../ui/reason.tsx'
import { Requested } from '../../ui/requested.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { useRequest } from '../../ui/use-request.ts'
import { PreflightList } from '../hosts/preflight-list.tsx'
import { CommandOutcome } from './command-outcome.tsx'
import { tookText, toTitle } from './command-table.tsx'

export const page = {
  path: '/commands/$id',
  needs: 'commands:read',
} satisfies PageEntry

export default function CommandPage() {
  const { id } = useParams({ from: '/inside/commands/$id' })
  const command = useAnswer('showCommand', { params: { id } }, { staleTime: Number.POSITIVE_INFINITY })
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
          <Reason text={command.reason} />
        </Paper>
      )}
      {command.kind === 'install' && (
        <PreflightList commandId={command.id} isOver={isFinalState(command.state)} />
      )}
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
    <Requested of={command}>{tookText(command)}</Requested>
  </Group>
)

function Actions({ command, onChange }: { command: CommandView; onChange(command: CommandView): void }) {
  const { id, runId, kind, tty, cancelRequested } = command
  const mayRun = useMay('commands:run')
  const hasEnded = isFinalState(command.state)
  const cancel = useRequest(() => call('cancelCommand', { params: { id } }), {
    onSent: (answer) => onChange(answer.command),
    isFailureShown: true,
  })
  return (
    <>
      {(kind === 'command' || kind === 'playbook') && (
        <LinkButton to="/runs/$id" params={{ id: runId }} variant="default" label={t('command.run')} />
      )}
      {mayRun && kind === 'command' && (
        <LinkButton to="/run" search={{ from: id }} variant="default" label={t('command.again')} />
      )}
      {tty && !hasEnded && (
        <LinkButton
          needs="terminals:open"
          to="/terminals"
          search={{ command: id }}
          variant="default"
          label={t('command.terminal')}
        />
      )}
      {mayRun && !hasEnded && (
        <Button color="red" onClick={() => cancel.mutate()} disabled={cancelRequested || cancel.isPending}>
          {cancelRequested ? t('command.cancelling') : t('command.cancel')}
        </Button>
      )}
    </>
  )
}
