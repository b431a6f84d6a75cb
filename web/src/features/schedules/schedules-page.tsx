import { Stack, Switch, Text, Title } from '@mantine/core'
import type { ScheduleView } from '@rollcall/contracts/admin'
import { useQuery } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { momentText } from '../../ui/format-values.ts'
import { Loaded } from '../../ui/loaded.tsx'
import { Ago } from '../../ui/moment.tsx'
import { type Column, ResourceTable } from '../../ui/resource-table.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { useRequest } from '../../ui/use-request.ts'
import { SavedCommands } from './saved-commands.tsx'

const SCHEDULES = ['schedules']
const REFRESH_MS = 10_000

export const page = {
  path: '/schedules',
  needs: 'schedules:read',
  nav: { label: 'nav.schedules', icon: 'schedules', place: 7 },
} satisfies PageEntry

export default function SchedulesPage() {
  const mayWrite = useMay('schedules:write')
  const schedules = useQuery({
    queryKey: SCHEDULES,
    queryFn: ({ signal }) => call('listSchedules', {}, signal),
    refetchInterval: REFRESH_MS,
  })
  return (
    <Stack>
      <PageHeader title={t('nav.schedules')} />
      <Loaded query={schedules}>
        {(data) => (
          <ResourceTable
            rows={data.schedules}
            toKey={({ id }) => id}
            minWidth={760}
            empty={{ title: t('schedules.none'), text: t('schedules.noneText') }}
            columns={columns()}
            actions={mayWrite && (({ name }) => <RemoveSchedule name={name} />)}
          />
        )}
      </Loaded>
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
      {reason && (
        <Text size="xs" c="dimmed">
          <Untrusted>{reason}</Untrusted>
        </Text>
      )}
    </>
  )
}

function EnabledSwitch({ schedule: { name, isEnabled } }: { schedule: ScheduleView }) {
  const mayWrite = useMay('schedules:write')
  const change = useRequest(
    (isEnabled: boolean) => call('changeSchedule', { params: { name }, body: { isEnabled } }),
    { invalidates: [SCHEDULES], isFailureShown: true },
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
    label={t('remove')}
    title={t('schedules.removeTitle', { name })}
    explanation={t('schedules.removeText')}
    confirm={t('remove')}
    send={() => call('removeSchedule', { params: { name } })}
    invalidates={[SCHEDULES]}
  />
)
