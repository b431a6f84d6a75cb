import { Alert, Code, MultiSelect, NumberInput, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { type KeyView, permission } from '@rollcall/contracts/admin'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay, useSession } from '../../api/session.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { Ago } from '../../ui/moment.tsx'
import { AddForm } from '../../ui/resource-form.tsx'
import { type Column, LoadedTable } from '../../ui/resource-table.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { useRequestForm } from '../../ui/use-request-form.ts'
import { scopeText, toScope } from './scope.ts'

export const page = {
  path: '/keys',
  needs: 'keys:read',
  nav: { label: 'nav.keys', icon: 'keys', place: 12, group: 'nav.administration' },
} satisfies PageEntry

export default function KeysPage() {
  const mayWrite = useMay('keys:write')
  const [secret, setSecret] = useState<string>()
  return (
    <Stack>
      <PageHeader title={t('nav.keys')} />
      {secret && (
        <Alert
          color="cyan"
          title={t('keys.secretTitle')}
          withCloseButton
          closeButtonLabel={t('close')}
          onClose={() => setSecret(undefined)}
        >
          <Text size="sm">{t('keys.secretText')}</Text>
          <Code block>{secret}</Code>
        </Alert>
      )}
      <LoadedTable
        query={useAnswer('listKeys', {})}
        rows={({ keys }) => keys}
        toKey={({ id }) => id}
        minWidth={720}
        columns={columns()}
        actions={mayWrite && ((key) => key.kind === 'key' && <RemoveKey apiKey={key} />)}
      />
      {mayWrite && <AddKey onAdded={setSecret} />}
    </Stack>
  )
}

const columns = (): Column<KeyView>[] => [
  { head: t('name'), cell: ({ name }) => name, minWidth: 130 },
  { head: t('keys.owner'), cell: ownerText },
  { head: t('keys.permissions'), cell: (key) => <Permissions apiKey={key} />, maxWidth: 360 },
  { head: t('users.scope'), cell: ({ scope }) => scopeText(scope) },
  {
    head: t('keys.expires'),
    cell: ({ expiresAt }) => (expiresAt ? <Ago at={expiresAt} /> : t('keys.never')),
  },
  { head: t('keys.lastUsed'), cell: ({ lastUsedAt }) => <Ago at={lastUsedAt} /> },
]

function ownerText({ kind, owner, parent }: KeyView): string {
  if (kind === 'local') return t('keys.ofServer')
  const whose = owner?.name ?? (parent === null ? t('keys.ofNobody') : t('keys.ofServer'))
  return parent === null ? whose : `${whose} · ${t('keys.madeWith', { name: parent })}`
}

/** Shows what a key was given, and what of it does not count because its owner may not do it any more. */
function Permissions({ apiKey: { kind, permissions, permissionsNow } }: { apiKey: KeyView }) {
  if (kind === 'local') return t('keys.local')
  const lost = permissions.filter((each) => !permissionsNow.includes(each))
  return (
    <>
      {permissionsNow.join(', ')}
      {lost.length > 0 && (
        <Text size="sm" c="var(--warn)">
          {t('keys.lost', { permissions: lost.join(', ') })}
        </Text>
      )}
    </>
  )
}

const RemoveKey = ({ apiKey: { id, name } }: { apiKey: KeyView }) => (
  <ConfirmButton
    title={t('keys.removeTitle', { name })}
    explanation={t('keys.removeText')}
    send={() => call('removeKey', { params: { id } })}
    invalidates={['listKeys']}
  />
)

function AddKey({ onAdded }: { onAdded(secret: string): void }) {
  const { principal } = useSession()
  const key = useRequestForm({
    initialValues: { name: '', permissions: [] as string[], scope: '', days: 90 as number | string },
    fieldNames: { expiresInDays: 'days' },
    send: ({ name, permissions, scope, days }) =>
      call('addKey', {
        body: {
          name,
          permissions: permissions.map((each) => permission.parse(each)),
          expiresInDays: days === '' ? null : Number(days),
          scope: toScope(scope),
        },
      }),
    invalidates: ['listKeys'],
    onSent: ({ secret }) => onAdded(secret),
  })
  const { getInputProps } = key.form
  return (
    <AddForm title={t('keys.add')} form={key}>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
        <TextInput label={t('name')} {...getInputProps('name')} />
        <TextInput label={t('users.scope')} placeholder="env=prod" {...getInputProps('scope')} />
        <NumberInput label={t('keys.days')} min={1} max={3650} {...getInputProps('days')} />
      </SimpleGrid>
      <MultiSelect
        label={t('keys.permissions')}
        data={principal?.permissions ?? []}
        searchable
        {...getInputProps('permissions')}
      />
    </AddForm>
  )
}
