import { Button, FileInput, Group, SimpleGrid, Stack, Text, Textarea, TextInput } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import type { SecretView } from '@rollcall/contracts/admin'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { bytesText } from '../../ui/format-values.ts'
import { Ago } from '../../ui/moment.tsx'
import { AddForm, FormDialog } from '../../ui/resource-form.tsx'
import { type Column, LoadedTable } from '../../ui/resource-table.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { CODE_INPUT } from '../../ui/theme.ts'
import { Untrusted } from '../../ui/untrusted.tsx'
import { type InputProps, useRequestForm } from '../../ui/use-request-form.ts'
import { faultsIn, NO_SECRET, toData } from './secret-value.ts'

export const page = {
  path: '/secrets',
  needs: 'secrets:read',
  nav: { label: 'nav.secrets', icon: 'secrets', place: 9.3, group: 'nav.workloads' },
} satisfies PageEntry

/** Shows which secrets there are. Nothing shows a value. */
export default function SecretsPage() {
  const mayWrite = useMay('secrets:write')
  return (
    <Stack>
      <PageHeader title={t('nav.secrets')} />
      <LoadedTable
        query={useAnswer('listSecrets', {})}
        rows={({ secrets }) => secrets}
        toKey={({ id }) => id}
        minWidth={640}
        empty={{ title: t('secrets.none'), text: t('secrets.noneText') }}
        columns={columns()}
        actions={mayWrite && ((secret) => <Actions secret={secret} />)}
      />
      {mayWrite && <AddSecret />}
    </Stack>
  )
}

const columns = (): Column<SecretView>[] => [
  { head: t('secrets.name'), cell: ({ name }) => name },
  { head: t('secrets.version'), cell: ({ version }) => version },
  { head: t('secrets.size'), cell: ({ bytes }) => bytesText(bytes) },
  {
    head: t('secrets.updated'),
    cell: ({ updatedAt }) => <Ago at={updatedAt} />,
  },
  {
    head: t('secrets.usedBy'),
    maxWidth: 320,
    cell: ({ usedBy }) => <Untrusted>{usedBy.join(', ')}</Untrusted>,
  },
]

function Actions({ secret: { name, usedBy } }: { secret: SecretView }) {
  const [isSetting, setSetting] = useState(false)
  return (
    <Group gap="xs" justify="flex-end" wrap="nowrap">
      <Button variant="default" size="xs" onClick={() => setSetting(true)}>
        {t('secrets.replace')}
      </Button>
      {usedBy.length === 0 && (
        <ConfirmButton
          title={t('secrets.removeTitle', { name })}
          explanation={t('secrets.removeText')}
          send={() => call('removeSecret', { params: { name } })}
          invalidates={['listSecrets']}
        />
      )}
      {isSetting && <ReplaceSecret name={name} onClose={() => setSetting(false)} />}
    </Group>
  )
}

/** Returns a form that sets a secret. Nothing of it outlives the page, and it starts empty every time. */
const useSecretForm = (name: string, onSet?: () => void) =>
  useRequestForm({
    initialValues: { ...NO_SECRET, name },
    fieldNames: { data: 'value' },
    check: faultsIn,
    send: async (draft) =>
      call('setSecret', { body: { name: draft.name.trim(), data: await toData(draft) } }),
    invalidates: ['listSecrets'],
    onSent: ({ secret: { name, version }, isChanged }) => {
      notifications.show({ message: t(isChanged ? 'secrets.set' : 'secrets.same', { name, version }) })
      onSet?.()
    },
  })

function AddSecret() {
  const secret = useSecretForm('')
  const { getInputProps } = secret.form
  return (
    <AddForm title={t('secrets.add')} form={secret}>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput
          label={t('secrets.name')}
          description={t('secrets.nameHint')}
          spellCheck={false}
          autoComplete="off"
          {...getInputProps('name')}
        />
      </SimpleGrid>
      <ValueFields inputProps={getInputProps} />
    </AddForm>
  )
}

function ReplaceSecret({ name, onClose }: { name: string; onClose(): void }) {
  const secret = useSecretForm(name, onClose)
  return (
    <FormDialog
      title={t('secrets.replaceTitle', { name })}
      submit={t('secrets.replace')}
      form={secret}
      onCancel={onClose}
      onClose={onClose}
    >
      <Text size="sm">{t('secrets.replaceText')}</Text>
      <ValueFields inputProps={secret.form.getInputProps} />
    </FormDialog>
  )
}

/** A text of several lines, since keys are; what is typed is drawn as dots. */
const ValueFields = ({ inputProps }: { inputProps: InputProps }) => (
  <SimpleGrid cols={{ base: 1, sm: 2 }}>
    <Textarea
      label={t('secrets.value')}
      description={t('secrets.valueHint')}
      rows={2}
      resize="vertical"
      autoComplete="off"
      classNames={{ input: 'masked' }}
      {...CODE_INPUT}
      {...inputProps('value')}
    />
    <FileInput
      label={t('secrets.file')}
      description={t('secrets.fileHint')}
      placeholder={t('secrets.choose')}
      clearable
      {...inputProps('file')}
    />
  </SimpleGrid>
)
