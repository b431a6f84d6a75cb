import { Button, Stack, Text } from '@mantine/core'
import type { RunCommand, RunView } from '@rollcall/contracts/admin'
import { useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { LinkButton } from '../../ui/link-button.tsx'
import { Loaded } from '../../ui/loaded.tsx'
import { PageTabs } from '../../ui/page-tabs.tsx'
import { Requested } from '../../ui/requested.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { useRequest } from '../../ui/use-request.ts'
import { PlaybookOutcome } from '../playbooks/playbook-outcome.tsx'
import { SkippedHosts } from '../targets/skipped-hosts.tsx'
import { RunBar } from './run-bar.tsx'
import { RunGroups } from './run-groups.tsx'
import { RunHosts } from './run-hosts.tsx'
import { RunTitle, runTitle } from './run-title.tsx'
import { useLiveRun } from './use-live-run.ts'

export const page = {
  path: '/runs/$id',
  needs: 'commands:read',
} satisfies PageEntry

export default function RunPage() {
  const { id } = useParams({ from: '/inside/runs/$id' })
  const run = useAnswer('showRun', { params: { id } }, { staleTime: Number.POSITIVE_INFINITY })
  return <Loaded query={run}>{(data) => <Run key={id} initial={data.run} />}</Loaded>
}

function Run({ initial }: { initial: RunView }) {
  const { run, setRun, commands } = useLiveRun(initial)
  return (
    <Stack>
      <PageHeader
        name={runTitle(run)}
        title={
          <Text ff="monospace" fw={600} fz="lg" lineClamp={2} span>
            <RunTitle run={run} />
          </Text>
        }
        below={<Requested of={run}>{t('run.onHosts', { count: run.total })}</Requested>}
      >
        <Actions run={run} onChange={setRun} />
      </PageHeader>
      <RunBar counts={run.counts} playbook={run.playbook} />
      {run.stoppedAt && <Text c="red">{t('run.stopped')}</Text>}
      <SkippedHosts skipped={run.skipped} />
      <RunTabs run={run} commands={commands} />
    </Stack>
  )
}

function Actions({ run, onChange }: { run: RunView; onChange(run: RunView): void }) {
  const mayRun = useMay('commands:run')
  const cancel = useRequest(() => call('cancelRun', { params: { id: run.id } }), {
    onSent: (answer) => onChange(answer.run),
    isFailureShown: true,
  })
  if (!mayRun) return null
  return (
    <>
      {run.playbook === null && (
        <LinkButton to="/run" search={{ again: run.id }} variant="default" label={t('command.again')} />
      )}
      {run.endedAt === null && (
        <Button
          color="red"
          onClick={() => cancel.mutate()}
          disabled={run.cancelRequested || cancel.isPending}
        >
          {run.cancelRequested ? t('command.cancelling') : t('run.cancel')}
        </Button>
      )}
    </>
  )
}

function RunTabs({ run, commands }: { run: RunView; commands: ReadonlyMap<string, RunCommand> }) {
  const mayReadPlaybooks = useMay('playbooks:read')
  const [opened, setOpened] = useState<string>()
  const { id, playbook, endedAt } = run
  const hosts = <RunHosts runId={id} commands={commands} opened={opened} onOpen={setOpened} />
  const byHost = { name: 'hosts', label: t('run.byHost'), content: hosts }
  const groups = <RunGroups runId={id} isOver={endedAt !== null} />
  if (playbook === null)
    return <PageTabs tabs={[byHost, { name: 'groups', label: t('run.byOutput'), content: groups }]} />
  const tasks = { name: 'tasks', label: t('playbooks.tasks'), content: <PlaybookOutcome runId={id} /> }
  return <PageTabs tabs={mayReadPlaybooks ? [tasks, byHost] : [byHost]} />
}
