import { Group, Stack, Switch, Table, Text, Title } from '@mantine/core'
import type { ScheduleView } from '@rollcall/contracts/admin'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link, useNavigate } from '@tanstack/react-router'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { Ago } from '../../ui/moment.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { blocks, EmptyState, ErrorState, PageHeader, Waiting } from '../../ui/states.tsx'
import { ActionsHead, Heads, TableScroll } from '../../ui/table-scroll.tsx'
import { tellFailure } from '../../ui/tell-failure.ts'
import { Untrusted } from '../../ui/untrusted.tsx'
import { commandLine, momentText } from '../../ui/words.ts'

export function SchedulesPage() {
  const schedules = useQuery({
    queryKey: ['schedules'],
    queryFn: ({ signal }) => call('listSchedules', {}, signal),
    refetchInterval: 10_000,
  })
  const saved = useQuery({
    queryKey: ['saved'],
    queryFn: ({ signal }) => call('listSavedCommands', {}, signal),
  })
  const error = schedules.error ?? saved.error
  if (blocks({ error, data: schedules.data && saved.data }))
    return <ErrorState error={error} onRetry={() => schedules.refetch()} />
  if (!schedules.data || !saved.data) return <Waiting />
  return (
    <Stack>
      <PageHeader title={t('nav.schedules')} />
      {schedules.data.schedules.length === 0 ? (
        <EmptyState title={t('schedules.none')}>
          <Text size="sm">{t('schedules.noneText')}</Text>
        </EmptyState>
      ) : (
        <TableScroll minWidth={760}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th>{t('name')}</Table.Th>
                <Table.Th>{t('schedules.cron')}</Table.Th>
                <Table.Th>{t('schedules.next')}</Table.Th>
                <Table.Th>{t('schedules.last')}</Table.Th>
                <Table.Th>{t('schedules.enabled')}</Table.Th>
                <ActionsHead />
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {schedules.data.schedules.map((schedule) => (
                <Row key={schedule.id} schedule={schedule} />
              ))}
            </Table.Tbody>
          </Table>
        </TableScroll>
      )}
      <Title order={2}>{t('saved.title')}</Title>
      {saved.data.savedCommands.length === 0 ? (
        <Text size="sm" c="dimmed">
          {t('saved.none')}
        </Text>
      ) : (
        <SavedTable saved={saved.data.savedCommands} />
      )}
    </Stack>
  )
}

function Row({ schedule }: { schedule: ScheduleView }) {
  const mayWrite = useMay('schedules:write')
  const client = useQueryClient()
  const again = () => client.invalidateQueries({ queryKey: ['schedules'] })
  const params = { name: schedule.name }
  const last = schedule.last[0]
  return (
    <Table.Tr>
      <Table.Td>{schedule.name}</Table.Td>
      <Table.Td>
        <code>{schedule.cron}</code>{' '}
        <Text size="xs" c="dimmed" span>
          {schedule.timeZone}
        </Text>
      </Table.Td>
      <Table.Td>{schedule.next[0] ? momentText(schedule.next[0]) : '–'}</Table.Td>
      <Table.Td>
        {last ? (
          <>
            {last.runState ? <StateBadge state={last.runState} /> : t(`firing.${last.outcome}`)}{' '}
            <Ago at={last.plannedAt} />{' '}
            {last.runId && (
              <Link to="/runs/$id" params={{ id: last.runId }}>
                {t('run.open')}
              </Link>
            )}
            {last.reason && (
              <Text size="xs" c="dimmed">
                <Untrusted>{last.reason}</Untrusted>
              </Text>
            )}
          </>
        ) : (
          '–'
        )}
      </Table.Td>
      <Table.Td>
        <Switch
          aria-label={t('schedules.enabledOf', { name: schedule.name })}
          checked={schedule.isEnabled}
          disabled={!mayWrite}
          onChange={(event) => {
            const isEnabled = event.currentTarget.checked
            void tellFailure(async () => {
              await call('changeSchedule', { params, body: { isEnabled } })
              await again()
            })
          }}
        />
      </Table.Td>
      <Table.Td>
        {mayWrite && (
          <ConfirmButton
            label={t('remove')}
            title={t('schedules.removeTitle', { name: schedule.name })}
            explanation={t('schedules.removeText')}
            confirm={t('remove')}
            onConfirm={async () => {
              await call('removeSchedule', { params })
              await again()
            }}
          />
        )}
      </Table.Td>
    </Table.Tr>
  )
}

function SavedTable({
  saved,
}: {
  saved: Awaited<ReturnType<typeof call<'listSavedCommands'>>>['savedCommands']
}) {
  const mayRun = useMay('commands:run')
  const navigate = useNavigate()
  const client = useQueryClient()
  return (
    <TableScroll minWidth={560}>
      <Table>
        <Heads heads={[t('name'), t('commands.command'), t('saved.by'), '']} />
        <Table.Tbody>
          {saved.map(({ id, name, program, args, createdBy }) => (
            <Table.Tr key={id}>
              <Table.Td>{name}</Table.Td>
              <Table.Td maw={420}>
                <Text size="sm" ff="monospace" truncate>
                  <Untrusted>{commandLine(program, args)}</Untrusted>
                </Text>
              </Table.Td>
              <Table.Td>
                <Untrusted>{createdBy}</Untrusted>
              </Table.Td>
              <Table.Td>
                {mayRun && (
                  <Group gap="xs">
                    <ConfirmButton
                      label={t('saved.run')}
                      title={t('saved.runTitle', { name })}
                      explanation={commandLine(program, args)}
                      confirm={t('saved.run')}
                      color="cyan"
                      onConfirm={async () => {
                        const { runId } = await call('runSavedCommand', { params: { name }, body: {} })
                        await navigate({ to: '/runs/$id', params: { id: runId } })
                      }}
                    />
                    <ConfirmButton
                      label={t('remove')}
                      title={t('saved.removeTitle', { name })}
                      explanation={t('saved.removeText')}
                      confirm={t('remove')}
                      onConfirm={async () => {
                        await call('removeSavedCommand', { params: { name } })
                        await client.invalidateQueries({ queryKey: ['saved'] })
                      }}
                    />
                  </Group>
                )}
              </Table.Td>
            </Table.Tr>
          ))}
        </Table.Tbody>
      </Table>
    </TableScroll>
  )
}
