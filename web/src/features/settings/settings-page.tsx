import { Button, NumberInput, Paper, SimpleGrid, Stack, Table, Text, TextInput, Title } from '@mantine/core'
import type { HeartbeatProfile } from '@rollcall/contracts/admin'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay, useSession } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { blocks, ErrorState, PageHeader, Waiting } from '../../ui/states.tsx'
import { ActionsHead, TableScroll } from '../../ui/table-scroll.tsx'
import { FormError, useAttempt } from '../../ui/use-attempt.tsx'
import { ServerIdentities } from './server-identities.tsx'

export function SettingsPage() {
  const { version } = useSession()
  const mayWrite = useMay('profiles:write')
  const profiles = useQuery({
    queryKey: ['profiles'],
    queryFn: ({ signal }) => call('listHeartbeatProfiles', {}, signal),
  })
  if (blocks(profiles)) return <ErrorState error={profiles.error} />
  if (!profiles.data) return <Waiting />
  return (
    <Stack>
      <PageHeader title={t('nav.settings')} below={<Text c="dimmed">Rollcall {version}</Text>} />
      <Title order={2}>{t('profiles.title')}</Title>
      <Text size="sm" maw={760}>
        {t('profiles.text')}
      </Text>
      <TableScroll minWidth={620}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('name')}</Table.Th>
              <Table.Th>{t('profiles.interval')}</Table.Th>
              <Table.Th>{t('profiles.offlineAfter')}</Table.Th>
              <Table.Th>{t('profiles.labels')}</Table.Th>
              <ActionsHead />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {profiles.data.profiles.map((profile) => (
              <ProfileRow key={profile.name} profile={profile} mayWrite={mayWrite} />
            ))}
          </Table.Tbody>
        </Table>
      </TableScroll>
      {mayWrite && <AddProfile />}
      <ServerIdentities />
    </Stack>
  )
}

function ProfileRow({ profile, mayWrite }: { profile: HeartbeatProfile; mayWrite: boolean }) {
  const client = useQueryClient()
  const { name, minMs, maxMs, offlineAfterMs, labels } = profile
  return (
    <Table.Tr>
      <Table.Td>{name}</Table.Td>
      <Table.Td>{`${minMs / 1000}–${maxMs / 1000} s`}</Table.Td>
      <Table.Td>{offlineAfterMs === null ? t('profiles.retries') : `${offlineAfterMs / 1000} s`}</Table.Td>
      <Table.Td>
        {Object.entries(labels ?? {})
          .map(([key, value]) => `${key}=${value}`)
          .join(', ') || '–'}
      </Table.Td>
      <Table.Td>
        {mayWrite && name !== 'default' && (
          <ConfirmButton
            label={t('remove')}
            title={t('profiles.removeTitle', { name })}
            explanation={t('profiles.removeText')}
            confirm={t('remove')}
            onConfirm={async () => {
              await call('removeHeartbeatProfile', { params: { profile: name } })
              await client.invalidateQueries({ queryKey: ['profiles'] })
            }}
          />
        )}
      </Table.Td>
    </Table.Tr>
  )
}

const EMPTY = {
  name: '',
  minS: 20 as number | string,
  maxS: 60 as number | string,
  offlineS: '' as number | string,
}

/** Where faults of the request are shown. */
const PLACES = { name: 'name', minMs: 'minS', maxMs: 'maxS', offlineAfterMs: 'offlineS' } as const

function AddProfile() {
  const client = useQueryClient()
  const [draft, setDraft] = useState(EMPTY)
  const { attempt, isWorking, error, fields } = useAttempt(draft, PLACES)
  const add = () =>
    attempt(async () => {
      const { name, minS, maxS, offlineS } = draft
      await call('addHeartbeatProfile', {
        body: {
          name,
          minMs: Number(minS) * 1000,
          maxMs: Number(maxS) * 1000,
          ...(offlineS !== '' && { offlineAfterMs: Number(offlineS) * 1000 }),
        },
      })
      setDraft(EMPTY)
      await client.invalidateQueries({ queryKey: ['profiles'] })
    })
  return (
    <Paper withBorder p="md" maw={860}>
      <Stack gap="sm">
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
          <TextInput
            label={t('name')}
            value={draft.name}
            error={fields.name}
            onChange={(event) => setDraft({ ...draft, name: event.currentTarget.value })}
          />
          <NumberInput
            label={t('profiles.min')}
            value={draft.minS}
            error={fields.minMs}
            onChange={(minS) => setDraft({ ...draft, minS })}
          />
          <NumberInput
            label={t('profiles.max')}
            value={draft.maxS}
            error={fields.maxMs}
            onChange={(maxS) => setDraft({ ...draft, maxS })}
          />
          <NumberInput
            label={t('profiles.offlineAfter')}
            value={draft.offlineS}
            error={fields.offlineAfterMs}
            placeholder={t('profiles.retries')}
            onChange={(offlineS) => setDraft({ ...draft, offlineS })}
          />
        </SimpleGrid>
        <FormError error={error} />
        <Button w="fit-content" onClick={add} loading={isWorking} disabled={!draft.name}>
          {t('profiles.add')}
        </Button>
      </Stack>
    </Paper>
  )
}
