import {
  Alert,
  Button,
  Code,
  Group,
  Modal,
  Paper,
  Select,
  SimpleGrid,
  Stack,
  Table,
  Text,
  TextInput,
} from '@mantine/core'
import { type Role, role as roleSchema, type UserView } from '@rollcall/contracts/admin'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { Ago } from '../../ui/moment.tsx'
import { blocks, ErrorState, PageHeader, Waiting } from '../../ui/states.tsx'
import { ActionsHead, TableScroll } from '../../ui/table-scroll.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { FormError, useAttempt } from '../../ui/use-attempt.tsx'

const EMPTY = { email: '', name: '', role: 'operator' as Role, scope: '' }
/** Where faults of the request are shown. */
const PLACES = { name: 'name', role: 'role', scope: 'scope' } as const
const roles = () => roleSchema.options.map((value) => ({ value, label: t(`role.${value}`) }))
const scopeOf = (text: string) => (text.trim() ? [text.trim()] : null)

export function UsersPage() {
  const client = useQueryClient()
  const mayWrite = useMay('users:write')
  const users = useQuery({ queryKey: ['users'], queryFn: ({ signal }) => call('listUsers', {}, signal) })
  const [edited, setEdited] = useState<UserView>()
  const [link, setLink] = useState<string>()
  if (blocks(users)) return <ErrorState error={users.error} />
  if (!users.data) return <Waiting />
  const again = () => client.invalidateQueries({ queryKey: ['users'] })
  const reset = async (id: string) => {
    const answer = await call('resetUser', { params: { id } })
    setLink(answer.link)
    await again()
  }
  return (
    <Stack>
      <PageHeader title={t('nav.users')} />
      {link && <LinkShown link={link} onClose={() => setLink(undefined)} />}
      <TableScroll minWidth={760}>
        <Table>
          <Table.Thead>
            <Table.Tr>
              <Table.Th>{t('name')}</Table.Th>
              <Table.Th>{t('email')}</Table.Th>
              <Table.Th>{t('users.role')}</Table.Th>
              <Table.Th>{t('users.scope')}</Table.Th>
              <Table.Th>{t('users.secondFactor')}</Table.Th>
              <Table.Th>{t('users.lastSignIn')}</Table.Th>
              <ActionsHead />
            </Table.Tr>
          </Table.Thead>
          <Table.Tbody>
            {users.data.users.map((user) => (
              <Table.Tr key={user.id} style={{ opacity: user.isDisabled ? 0.6 : 1 }}>
                <Table.Td>
                  <Untrusted>{user.name}</Untrusted>
                  {user.isDisabled && ` (${t('users.disabled')})`}
                </Table.Td>
                <Table.Td>
                  <Untrusted>{user.email}</Untrusted>
                </Table.Td>
                <Table.Td>{t(`role.${user.role}`)}</Table.Td>
                <Table.Td>{user.scope?.join(', ') ?? t('users.allHosts')}</Table.Td>
                <Table.Td>{user.hasTotp ? t('yes') : t('no')}</Table.Td>
                <Table.Td>{user.hasPassword ? <Ago at={user.lastSignInAt} /> : t('users.invited')}</Table.Td>
                <Table.Td>
                  {mayWrite && (
                    <Group gap={4}>
                      <Button size="xs" variant="default" onClick={() => setEdited(user)}>
                        {t('users.edit')}
                      </Button>
                      <ConfirmButton
                        label={t('users.reset')}
                        title={t('users.resetTitle', { name: user.name })}
                        explanation={t('users.resetText')}
                        confirm={t('users.reset')}
                        onConfirm={() => reset(user.id)}
                      />
                      <ConfirmButton
                        label={t('remove')}
                        title={t('users.removeTitle', { name: user.name })}
                        explanation={t('users.removeText')}
                        confirm={t('remove')}
                        onConfirm={async () => {
                          await call('removeUser', { params: { id: user.id } })
                          await again()
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
      {mayWrite && (
        <AddUser
          onAdded={async (next) => {
            setLink(next)
            await again()
          }}
        />
      )}
      {edited && (
        <EditUser
          key={edited.id}
          user={edited}
          onClose={async () => {
            setEdited(undefined)
            await again()
          }}
        />
      )}
    </Stack>
  )
}

function LinkShown({ link, onClose }: { link: string; onClose(): void }) {
  const whole = link.startsWith('/') ? location.origin + link : link
  return (
    <Alert
      color="cyan"
      title={t('users.linkTitle')}
      withCloseButton
      onClose={onClose}
      closeButtonLabel={t('close')}
    >
      <Text size="sm">{t('users.linkText')}</Text>
      <Code block data-testid="link">
        {whole}
      </Code>
    </Alert>
  )
}

function AddUser({ onAdded }: { onAdded(link: string): Promise<void> }) {
  const [draft, setDraft] = useState(EMPTY)
  const { attempt, isWorking, error, fields } = useAttempt(draft, { ...PLACES, email: 'email' })
  const add = () =>
    attempt(async () => {
      const { email, name, role, scope } = draft
      const { link } = await call('addUser', { body: { email, name, role, scope: scopeOf(scope) } })
      setDraft(EMPTY)
      await onAdded(link)
    })
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Text fw={600}>{t('users.add')}</Text>
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
          <TextInput
            label={t('name')}
            value={draft.name}
            error={fields.name}
            onChange={(event) => setDraft({ ...draft, name: event.currentTarget.value })}
          />
          <TextInput
            label={t('email')}
            value={draft.email}
            error={fields.email}
            onChange={(event) => setDraft({ ...draft, email: event.currentTarget.value })}
          />
          <Select
            label={t('users.role')}
            data={roles()}
            value={draft.role}
            error={fields.role}
            allowDeselect={false}
            onChange={(value) => setDraft({ ...draft, role: roleSchema.parse(value) })}
          />
          <TextInput
            label={t('users.scope')}
            placeholder="env=prod"
            value={draft.scope}
            error={fields.scope}
            onChange={(event) => setDraft({ ...draft, scope: event.currentTarget.value })}
          />
        </SimpleGrid>
        <FormError error={error} />
        <Button w="fit-content" onClick={add} loading={isWorking}>
          {t('users.add')}
        </Button>
      </Stack>
    </Paper>
  )
}

/** Somebody else may have changed the same person meanwhile: then the server says so, and what was typed stays. */
function EditUser({ user, onClose }: { user: UserView; onClose(): void }) {
  const [draft, setDraft] = useState({
    name: user.name,
    role: user.role,
    scope: user.scope?.join(',') ?? '',
    isDisabled: user.isDisabled,
  })
  const { attempt, isWorking, error, fields } = useAttempt(draft, PLACES)
  const save = () =>
    attempt(async () => {
      const { name, role, scope, isDisabled } = draft
      const body = { version: user.version, name, role, isDisabled, scope: scopeOf(scope) }
      await call('changeUser', { params: { id: user.id }, body })
      onClose()
    })
  return (
    <Modal opened onClose={onClose} title={t('users.editTitle', { name: user.name })} centered>
      <Stack>
        <TextInput
          label={t('name')}
          value={draft.name}
          error={fields.name}
          onChange={(event) => setDraft({ ...draft, name: event.currentTarget.value })}
        />
        <Select
          label={t('users.role')}
          data={roles()}
          value={draft.role}
          error={fields.role}
          allowDeselect={false}
          onChange={(value) => setDraft({ ...draft, role: roleSchema.parse(value) })}
        />
        <TextInput
          label={t('users.scope')}
          value={draft.scope}
          error={fields.scope}
          onChange={(event) => setDraft({ ...draft, scope: event.currentTarget.value })}
        />
        <Select
          label={t('users.state')}
          data={[
            { value: 'active', label: t('users.active') },
            { value: 'disabled', label: t('users.disabled') },
          ]}
          value={draft.isDisabled ? 'disabled' : 'active'}
          allowDeselect={false}
          onChange={(value) => setDraft({ ...draft, isDisabled: value === 'disabled' })}
        />
        <FormError error={error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('cancel')}
          </Button>
          <Button onClick={save} loading={isWorking}>
            {t('save')}
          </Button>
        </Group>
      </Stack>
    </Modal>
  )
}
