import { Stack, Switch, Text, Title } from '@mantine/core'
import type { ScheduleView } from '@rollcall/contracts/admin'
import { Link } from '@tanstack/react-router'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { momentText } from '../../ui/format-values.ts'
import { Ago } from '../../ui/moment.tsx'
import { Reason } from '../../ui/reason.tsx'
import { type Column, LoadedTable } from '../../ui/resource-table.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { useRequest } from '../../ui/use-request.ts'
import { SavedCommands } from './saved-commands.tsx'

const REFRESH_MS = 10_000

export const page = {
  path: '/schedules',
  needs: 'schedules:read',
  nav: { label: 'nav.schedules', icon: 'schedules', place: 7 },
} satisfies PageEntry

export default function SchedulesPage() {
  const mayWrite = useMay('schedules:write')
  return (
    <Stack>
      <PageHeader title={t('nav.schedules')} />
      <LoadedTable
        query={useAnswer('listSchedules', {}, { refetchInterval: REFRESH_MS })}
        rows={({ schedules }) => schedules}
        toKey={({ id }) => id}
        minWidth={760}
        empty={{ title: t('schedules.none'), text: t('schedules.noneText') }}
        columns={columns()}
        actions={mayWrite && (({ name }) => <RemoveSchedule name={name} />)}
      />
      <Title order={2}>{t('saved.title')}</Title>
      <SavedCommands />
    </Stack>
  )
}

const columns = (): Column<ScheduleView>[] => [
  { head: t('name'), cell: ({ name }) => name },
  {
    head: t('schedules.cron'),
    cell: ({ cron, timeZone }) => (
      <>
        <code>{cron}</code>{' '}
        <Text size="xs" c="dimmed" span>
          {timeZone}
        </Text>
      </>
    ),
  },
  { head: t('schedules.next'), cell: ({ next: [next] }) => (next ? momentText(next) : '–') },
  { head: t('schedules.last'), cell: ({ last: [last] }) => (last ? <LastFiring firing={last} /> : '–') },
  { head: t('schedules.enabled'), cell: (schedule) => <EnabledSwitch schedule={schedule} /> },
]

function LastFiring({ firing }: { firing: ScheduleView['last'][number] }) {
  const { runState, outcome, plannedAt, runId, reason } = firing
  return (
    <>
      <StateBadge state={runState ?? outcome} /> <Ago at={plannedAt} />{' '}
      {runId && (
        <Link to="/runs/$id" params={{ id: runId }}>
          {t('run.open')}
        </Link>
      )}
      <Reason text={reason} size="xs" c="dimmed" />
    </>
  )
}

function EnabledSwitch({ schedule: { name, isEnabled } }: { schedule: ScheduleView }) {
  const mayWrite = useMay('schedules:write')
  const change = useRequest(
    (isEnabled: boolean) => call('changeSchedule', { params: { name }, body: { isEnabled } }),
    { invalidates: ['listSchedules'], isFailureShown: true },
  )
  return (
    <Switch
      aria-label={t('schedules.enabledOf', { name })}
      checked={isEnabled}
      disabled={!mayWrite || change.isPending}
      onChange={(event) => change.mutate(event.currentTarget.checked)}
    />
  )
}

const RemoveSchedule = ({ name }: { name: string }) => (
  <ConfirmButton
    title={t('schedules.removeTitle', { name })}
    explanation={t('schedules.removeText')}
    send={() => call('removeSchedule', { params: { name } })}
    invalidates={['listSchedules']}
  />
)
