import { Button, Paper, PasswordInput, SimpleGrid, Stack, Text, Title } from '@mantine/core'
import { notifications } from '@mantine/notifications'
import type { SessionView } from '@rollcall/contracts/admin'
import type { ReactNode } from 'react'
import { call } from '../../api/client.ts'
import { useSession } from '../../api/session.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { t } from '../../i18n/index.tsx'
import type { PageEntry } from '../../pages.ts'
import { Ago } from '../../ui/moment.tsx'
import { ResourceForm } from '../../ui/resource-form.tsx'
import { type Column, LoadedTable } from '../../ui/resource-table.tsx'
import { PageHeader } from '../../ui/states.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { useRequest } from '../../ui/use-request.ts'
import { useRequestForm } from '../../ui/use-request-form.ts'
import { SecondFactor } from './second-factor.tsx'

export const page = {
  path: '/account',
} satisfies PageEntry

export default function AccountPage() {
  const { principal } = useSession()
  return (
    <Stack maw={720}>
      <PageHeader title={t('account.title')} below={<Text c="dimmed">{principal?.email}</Text>} />
      <Section title={t('password')}>
        <PasswordForm />
      </Section>
      <Section title={t('totp.title')}>
        <SecondFactor />
      </Section>
      <Section title={t('sessions.title')}>
        <Sessions />
      </Section>
    </Stack>
  )
}

const Section = ({ title, children }: { title: string; children: ReactNode }) => (
  <Paper withBorder p="md">
    <Stack gap="sm">
      <Title order={2}>{title}</Title>
      {children}
    </Stack>
  </Paper>
)

function PasswordForm() {
  const change = useRequestForm({
    initialValues: { password: '', newPassword: '' },
    send: (body) => call('changePassword', { body }),
    onSent: () => notifications.show({ color: 'green', message: t('account.passwordChanged') }),
  })
  const { getInputProps, values } = change.form
  return (
    <ResourceForm
      form={change}
      submit={t('account.changePassword')}
      isDisabled={!values.password || !values.newPassword}
    >
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <PasswordInput
          label={t('account.oldPassword')}
          autoComplete="current-password"
          {...getInputProps('password')}
        />
        <PasswordInput
          label={t('account.newPassword')}
          autoComplete="new-password"
          description={t('password.hint')}
          {...getInputProps('newPassword')}
        />
      </SimpleGrid>
    </ResourceForm>
  )
}

const Sessions = () => (
  <LoadedTable
    query={useAnswer('listSessions', {})}
    rows={({ sessions }) => sessions}
    toKey={({ id }) => id}
    minWidth={460}
    columns={columns()}
    actions={(session) => <SessionAction session={session} />}
  />
)

const columns = (): Column<SessionView>[] => [
  {
    head: t('sessions.browser'),
    maxWidth: 280,
    cell: ({ userAgent }) => (
      <Text size="sm" truncate>
        <Untrusted>{userAgent}</Untrusted>
      </Text>
    ),
  },
  { head: t('sessions.address'), cell: ({ address }) => address },
  { head: t('sessions.seen'), cell: ({ lastSeenAt }) => <Ago at={lastSeenAt} /> },
]

function SessionAction({ session: { id, isCurrent } }: { session: SessionView }) {
  const revoke = useRequest(() => call('revokeSession', { params: { id } }), {
    invalidates: ['listSessions'],
    isFailureShown: true,
  })
  if (isCurrent) return t('sessions.current')
  return (
    <Button size="xs" variant="default" loading={revoke.isPending} onClick={() => revoke.mutate()}>
      {t('sessions.end')}
    </Button>
  )
}
