import { NumberInput, SimpleGrid, Text, TextInput, Title } from '@mantine/core'
import type { HeartbeatProfile } from '@rollcall/contracts/admin'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { durationText, intervalText } from '../../ui/format-values.ts'
import { AddForm } from '../../ui/resource-form.tsx'
import { type Column, LoadedTable } from '../../ui/resource-table.tsx'
import { useRequestForm } from '../../ui/use-request-form.ts'

export function HeartbeatProfiles() {
  const mayWrite = useMay('profiles:write')
  return (
    <>
      <Title order={2}>{t('profiles.title')}</Title>
      <Text size="sm" maw={760}>
        {t('profiles.text')}
      </Text>
      <LoadedTable
        query={useAnswer('listHeartbeatProfiles', {})}
        rows={({ profiles }) => profiles}
        toKey={({ name }) => name}
        minWidth={620}
        columns={columns()}
        actions={mayWrite && (({ name }) => name !== 'default' && <RemoveProfile name={name} />)}
      />
      {mayWrite && <AddProfile />}
    </>
  )
}

const columns = (): Column<HeartbeatProfile>[] => [
  { head: t('name'), cell: ({ name }) => name },
  { head: t('profiles.interval'), cell: ({ minMs, maxMs }) => intervalText(minMs, maxMs) },
  {
    head: t('profiles.offlineAfter'),
    cell: ({ offlineAfterMs }) =>
      offlineAfterMs === null ? t('profiles.retries') : durationText(offlineAfterMs),
  },
  {
    head: t('profiles.labels'),
    cell: ({ labels }) =>
      Object.entries(labels ?? {})
        .map(([key, value]) => `${key}=${value}`)
        .join(', ') || '–',
  },
]

const RemoveProfile = ({ name }: { name: string }) => (
  <ConfirmButton
    title={t('profiles.removeTitle', { name })}
    explanation={t('profiles.removeText')}
    send={() => call('removeHeartbeatProfile', { params: { profile: name } })}
    invalidates={['listHeartbeatProfiles']}
  />
)

const toMs = (seconds: number | string) => Number(seconds) * 1000

function AddProfile() {
  const profile = useRequestForm({
    initialValues: {
      name: '',
      minS: 20 as number | string,
      maxS: 60 as number | string,
      offlineS: '' as number | string,
    },
    fieldNames: { minMs: 'minS', maxMs: 'maxS', offlineAfterMs: 'offlineS' },
    send: ({ name, minS, maxS, offlineS }) =>
      call('addHeartbeatProfile', {
        body: {
          name,
          minMs: toMs(minS),
          maxMs: toMs(maxS),
          ...(offlineS !== '' && { offlineAfterMs: toMs(offlineS) }),
        },
      }),
    invalidates: ['listHeartbeatProfiles'],
  })
  const { getInputProps, values } = profile.form
  return (
    <AddForm title={t('profiles.add')} form={profile} isDisabled={values.name === ''}>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
        <TextInput label={t('name')} {...getInputProps('name')} />
        <NumberInput label={t('profiles.min')} {...getInputProps('minS')} />
        <NumberInput label={t('profiles.max')} {...getInputProps('maxS')} />
        <NumberInput
          label={t('profiles.offlineAfter')}
          placeholder={t('profiles.retries')}
          {...getInputProps('offlineS')}
        />
      </SimpleGrid>
    </AddForm>
  )
}
