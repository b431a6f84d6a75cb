import { Button, Stack, Tabs, Text } from '@mantine/core'
import type { RunView } from '@rollcall/contracts/admin'
import { useQuery } from '@tanstack/react-query'
import { Link, useParams } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { Ago } from '../../ui/moment.tsx'
import { blocks, ErrorState, PageHeader, Waiting } from '../../ui/states.tsx'
import { tellFailure } from '../../ui/tell-failure.ts'
import { Untrusted } from '../../ui/untrusted.tsx'
import { PlaybookOutcome } from '../playbooks/playbook-outcome.tsx'
import { RunBar } from './run-bar.tsx'
import { RunGroups } from './run-groups.tsx'
import { RunHosts } from './run-hosts.tsx'
import { RunTitle, runTitle } from './run-title.tsx'
import { useLiveRun } from './use-live-run.ts'

export function RunPage() {
  const { id } = useParams({ from: '/inside/runs/$id' })
  const { data, error } = useQuery({
    queryKey: ['run', id],
    queryFn: ({ signal }) => call('showRun', { params: { id } }, signal),
    staleTime: Number.POSITIVE_INFINITY,
  })
  if (blocks({ error, data })) return <ErrorState error={error} />
  if (!data) return <Waiting />
  return <Shown key={id} initial={data.run} />
}

function Shown({ initial }: { initial: RunView }) {
  const { run, setRun, commands } = useLiveRun(initial)
  const mayRun = useMay('commands:run')
  const mayReadPlaybooks = useMay('playbooks:read')
  const [opened, setOpened] = useState<string>()
  const cancel = () =>
    tellFailure(async () => setRun((await call('cancelRun', { params: { id: run.id } })).run))
  const isOver = run.endedAt !== null
  const isPlaybook = run.playbook !== null
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
        {mayRun && !isPlaybook && (
          <Button variant="default" component={Link} to="/run" search={{ again: run.id } as never}>
            {t('command.again')}
          </Button>
        )}
        {mayRun && !isOver && (
          <Button color="red" onClick={cancel} disabled={run.cancelRequested}>
            {run.cancelRequested ? t('command.cancelling') : t('run.cancel')}
          </Button>
        )}
      </PageHeader>
      <RunBar counts={run.counts} playbook={run.playbook} />
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
      <Tabs defaultValue={isPlaybook && mayReadPlaybooks ? 'tasks' : 'hosts'} keepMounted={false}>
        <Tabs.List>
          {isPlaybook && mayReadPlaybooks && <Tabs.Tab value="tasks">{t('playbooks.tasks')}</Tabs.Tab>}
          <Tabs.Tab value="hosts">{t('run.byHost')}</Tabs.Tab>
          {!isPlaybook && <Tabs.Tab value="groups">{t('run.byOutput')}</Tabs.Tab>}
        </Tabs.List>
        {isPlaybook && mayReadPlaybooks && (
          <Tabs.Panel value="tasks" pt="md">
            <PlaybookOutcome runId={run.id} />
          </Tabs.Panel>
        )}
        <Tabs.Panel value="hosts" pt="md">
          <RunHosts runId={run.id} commands={commands} opened={opened} onOpen={setOpened} />
        </Tabs.Panel>
        {!isPlaybook && (
          <Tabs.Panel value="groups" pt="md">
            <RunGroups runId={run.id} isOver={isOver} />
          </Tabs.Panel>
        )}
      </Tabs>
    </Stack>
  )
}
