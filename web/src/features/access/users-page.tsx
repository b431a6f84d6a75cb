import { Alert, Button, Code, Group, Stack, Text } from '@mantine/core'
import type { UserView } from '@rollcall/contracts/admin'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useMay } from '../../api/session.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { ConfirmButton } from '../../ui/confirm.tsx'
import { Ago } from '../../ui/moment.tsx'
import { type Column, LoadedTable } from '../../ui/resource-table.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { scopeText } from './scope.ts'
import { AddUser, EditUser } from './user-forms.tsx'

export const page = {
  path: '/users',
  needs: 'users:read',
  nav: { label: 'nav.users', icon: 'users', place: 11, group: 'nav.administration' },
} satisfies PageEntry

export default function UsersPage() {
  const mayWrite = useMay('users:write')
  const [edited, setEdited] = useState<UserView>()
  const [link, setLink] = useState<string>()
  return (
    <Stack>
      <PageHeader title={t('nav.users')} />
      {link && <LinkShown link={link} onClose={() => setLink(undefined)} />}
      <LoadedTable
        query={useAnswer('listUsers', {})}
        rows={({ users }) => users}
        toKey={({ id }) => id}
        minWidth={760}
        columns={columns()}
        rowProps={({ isDisabled }) => ({ style: { opacity: isDisabled ? 0.6 : 1 } })}
        actions={
          mayWrite && ((user) => <Actions user={user} onEdit={() => setEdited(user)} onLink={setLink} />)
        }
      />
      {mayWrite && <AddUser onAdded={setLink} />}
      {edited && <EditUser key={edited.id} user={edited} onClose={() => setEdited(undefined)} />}
    </Stack>
  )
}

const columns = (): Column<UserView>[] => [
  {
    head: t('name'),
    cell: ({ name, isDisabled }) => (
      <>
        <Untrusted>{name}</Untrusted>
        {isDisabled && ` (${t('users.disabled')})`}
      </>
    ),
  },
  { head: t('email'), cell: ({ email }) => <Untrusted>{email}</Untrusted> },
  { head: t('users.role'), cell: ({ role }) => t(`role.${role}`) },
  { head: t('users.scope'), cell: ({ scope }) => scopeText(scope) },
  { head: t('users.secondFactor'), cell: ({ hasTotp }) => (hasTotp ? t('yes') : t('no')) },
  {
    head: t('users.lastSignIn'),
    cell: ({ hasPassword, lastSignInAt }) => (hasPassword ? <Ago at={lastSignInAt} /> : t('users.invited')),
  },
]

function Actions({ user, onEdit, onLink }: { user: UserView; onEdit(): void; onLink(link: string): void }) {
  const { id, name } = user
  return (
    <Group gap={4}>
      <Button size="xs" variant="default" onClick={onEdit}>
        {t('users.edit')}
      </Button>
      <ConfirmButton
        label={t('users.reset')}
        title={t('users.resetTitle', { name })}
        explanation={t('users.resetText')}
        send={() => call('resetUser', { params: { id } })}
        invalidates={['listUsers']}
        onSent={({ link }) => onLink(link)}
      />
      <ConfirmButton
        title={t('users.removeTitle', { name })}
        explanation={t('users.removeText')}
        send={() => call('removeUser', { params: { id } })}
        invalidates={['listUsers']}
      />
    </Group>
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
