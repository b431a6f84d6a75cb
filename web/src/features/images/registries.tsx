import { Checkbox, PasswordInput, SimpleGrid, Stack, Text, Textarea, TextInput } from '@mantine/core'
import type { RegistryView } from '@rollcall/contracts/admin'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { Ago } from '../../ui/moment.tsx'
import { AddForm } from '../../ui/resource-form.tsx'
import { type Column, LoadedTable } from '../../ui/resource-table.tsx'
import { CODE_INPUT } from '../../ui/theme.ts'
import { useRequestForm } from '../../ui/use-request-form.ts'

/** Shows the registries that have settings of their own, and takes those of another. */
export function Registries() {
  const mayWrite = useMay('images:write')
  return (
    <Stack>
      <LoadedTable
        query={useAnswer('listRegistries', {})}
        rows={({ registries }) => registries}
        toKey={({ host }) => host}
        minWidth={560}
        empty={{ title: t('registries.none') }}
        columns={columns()}
        actions={mayWrite && (({ host }) => <RemoveRegistry host={host} />)}
      />
      {mayWrite && <AddRegistry />}
    </Stack>
  )
}

const columns = (): Column<RegistryView>[] => [
  {
    head: t('registries.host'),
    cell: ({ host, plainHttp, hasCa }) => (
      <>
        {host}
        {(plainHttp || hasCa) && (
          <Text size="xs" c={plainHttp ? 'var(--warn)' : 'dimmed'}>
            {[plainHttp && 'HTTP', hasCa && t('registries.hasCa')].filter(Boolean).join(', ')}
          </Text>
        )}
      </>
    ),
  },
  { head: t('registries.user'), cell: ({ username }) => username ?? '–' },
  { head: t('registries.mirrors'), cell: ({ mirrors }) => mirrors.join(', ') },
  { head: t('images.added'), cell: ({ addedAt }) => <Ago at={addedAt} /> },
]

const RemoveRegistry = ({ host }: { host: string }) => (
  <ConfirmButton
    title={t('registries.removeTitle', { host })}
    explanation={t('registries.removeText')}
    send={() => call('removeRegistry', { params: { registry: host } })}
    invalidates={['listRegistries']}
  />
)

const NOTHING = { host: '', username: '', password: '', mirrors: '', ca: '', plainHttp: false }

/** Takes the settings of a registry; those that it has already are replaced. Nothing of it is stored in the browser. */
function AddRegistry() {
  const registry = useRequestForm({
    initialValues: NOTHING,
    send: ({ host, username, password, mirrors, ca, plainHttp }) =>
      call('addRegistry', {
        body: {
          host: host.trim(),
          username: username.trim() || null,
          password: password || null,
          mirrors: mirrors.split(/[\s,]+/).filter(Boolean),
          ca: ca.trim() || null,
          plainHttp,
        },
      }),
    invalidates: ['listRegistries'],
  })
  const { getInputProps } = registry.form
  const plain = { spellCheck: false, autoComplete: 'off' }
  return (
    <AddForm title={t('registries.add')} form={registry}>
      <SimpleGrid cols={{ base: 1, sm: 2 }} maw={920}>
        <TextInput
          label={t('registries.host')}
          description={t('registries.hostHint')}
          {...plain}
          {...getInputProps('host')}
        />
        <TextInput
          label={t('registries.mirrors')}
          description={t('registries.mirrorsHint')}
          {...plain}
          {...getInputProps('mirrors')}
        />
        <TextInput label={t('registries.user')} {...plain} {...getInputProps('username')} />
        <PasswordInput
          label={t('registries.password')}
          autoComplete="new-password"
          {...getInputProps('password')}
        />
      </SimpleGrid>
      <Textarea
        label={t('registries.ca')}
        description={t('registries.caHint')}
        rows={2}
        maw={640}
        {...CODE_INPUT}
        {...getInputProps('ca')}
      />
      <Checkbox
        label={t('registries.plainHttp')}
        description={t('registries.plainHttpHint')}
        {...getInputProps('plainHttp', { type: 'checkbox' })}
      />
    </AddForm>
  )
}
