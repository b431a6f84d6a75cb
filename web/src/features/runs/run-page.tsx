import { Button, Stack, Tabs, Text } from '@mantine/core'
import type { RunCommand, RunView } from '@rollcall/contracts/admin'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { Loaded } from '../../ui/loaded.tsx'
import { Ago } from '../../ui/moment.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
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
  const run = useQuery({
    queryKey: ['run', id],
    queryFn: ({ signal }) => call('showRun', { params: { id } }, signal),
    staleTime: Number.POSITIVE_INFINITY,
  })
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
        below={
          <Text size="sm" c="dimmed">
            <Untrusted>{run.requestedBy}</Untrusted> · <Ago at={run.createdAt} /> ·{' '}
            {t('run.onHosts', { count: run.total })}
          </Text>
        }
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
        <Button variant="default" component={Link} to="/run" search={{ again: run.id } as never}>
          {t('command.again')}
        </Button>
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
  const isPlaybook = run.playbook !== null
  const hasTasks = isPlaybook && mayReadPlaybooks
  return (
    <Tabs defaultValue={hasTasks ? 'tasks' : 'hosts'} keepMounted={false}>
      <Tabs.List>
        {hasTasks && <Tabs.Tab value="tasks">{t('playbooks.tasks')}</Tabs.Tab>}
        <Tabs.Tab value="hosts">{t('run.byHost')}</Tabs.Tab>
        {!isPlaybook && <Tabs.Tab value="groups">{t('run.byOutput')}</Tabs.Tab>}
      </Tabs.List>
      {hasTasks && (
        <Tabs.Panel value="tasks" pt="md">
          <PlaybookOutcome runId={run.id} />
        </Tabs.Panel>
      )}
      <Tabs.Panel value="hosts" pt="md">
        <RunHosts runId={run.id} commands={commands} opened={opened} onOpen={setOpened} />
      </Tabs.Panel>
      {!isPlaybook && (
        <Tabs.Panel value="groups" pt="md">
          <RunGroups runId={run.id} isOver={run.endedAt !== null} />
        </Tabs.Panel>
      )}
    </Tabs>
  )
}
