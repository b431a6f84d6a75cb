import { Select, SimpleGrid, TextInput } from '@mantine/core'
import { type Role, role as roleSchema, type UserView } from '@rollcall/contracts/admin'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { AddForm, FormDialog } from '../../ui/resource-form.tsx'
import { useRequestForm } from '../../ui/use-request-form.ts'
import { toScope } from './scope.ts'

const roles = () => roleSchema.options.map((value) => ({ value, label: t(`role.${value}`) }))

export function AddUser({ onAdded }: { onAdded(link: string): void }) {
  const user = useRequestForm({
    initialValues: { email: '', name: '', role: 'operator' as Role, scope: '' },
    send: ({ scope, ...rest }) => call('addUser', { body: { ...rest, scope: toScope(scope) } }),
    invalidates: ['listUsers'],
    onSent: ({ link }) => onAdded(link),
  })
  const { getInputProps } = user.form
  return (
    <AddForm title={t('users.add')} form={user}>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
        <TextInput label={t('name')} {...getInputProps('name')} />
        <TextInput label={t('email')} {...getInputProps('email')} />
        <Select label={t('users.role')} data={roles()} allowDeselect={false} {...getInputProps('role')} />
        <TextInput label={t('users.scope')} placeholder="env=prod" {...getInputProps('scope')} />
      </SimpleGrid>
    </AddForm>
  )
}

/** Changes a user. Somebody else may have changed the same one meanwhile: then the server says so, and what was typed stays. */
export function EditUser({ user, onClose }: { user: UserView; onClose(): void }) {
  const { id, version, name, role, scope, isDisabled } = user
  const edit = useRequestForm({
    initialValues: { name, role, scope: scope?.join(',') ?? '', state: isDisabled ? 'disabled' : 'active' },
    fieldNames: { isDisabled: 'state' },
    send: (values) =>
      call('changeUser', {
        params: { id },
        body: {
          version,
          name: values.name,
          role: values.role,
          scope: toScope(values.scope),
          isDisabled: values.state === 'disabled',
        },
      }),
    invalidates: ['listUsers'],
    onSent: onClose,
  })
  const { getInputProps } = edit.form
  const states = (['active', 'disabled'] as const).map((value) => ({ value, label: t(`users.${value}`) }))
  return (
    <FormDialog
      title={t('users.editTitle', { name })}
      form={edit}
      submit={t('save')}
      onCancel={onClose}
      onClose={onClose}
    >
      <TextInput label={t('name')} {...getInputProps('name')} />
      <Select label={t('users.role')} data={roles()} allowDeselect={false} {...getInputProps('role')} />
      <TextInput label={t('users.scope')} {...getInputProps('scope')} />
      <Select label={t('users.state')} data={states} allowDeselect={false} {...getInputProps('state')} />
    </FormDialog>
  )
}
