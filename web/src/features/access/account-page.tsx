import {
  Alert,
  Button,
  Code,
  Group,
  Paper,
  PasswordInput,
  SimpleGrid,
  Stack,
  Table,
  Text,
  TextInput,
  Title,
} from '@mantine/core'
import { notifications } from '@mantine/notifications'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import makeQr from 'qrcode-generator'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { sessionQuery, useSession } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { Ago } from '../../ui/moment.tsx'
import { PageHeader, toMessage } from '../../ui/states.tsx'
import { Heads, TableScroll } from '../../ui/table-scroll.tsx'
import { tellFailure } from '../../ui/tell-failure.ts'
import { Untrusted } from '../../ui/untrusted.tsx'
import { FormError, useAttempt } from '../../ui/use-attempt.tsx'

export function AccountPage() {
  const { principal } = useSession()
  return (
    <Stack maw={720}>
      <PageHeader title={t('account.title')} below={<Text c="dimmed">{principal?.email}</Text>} />
      <PasswordForm />
      <SecondFactor />
      <Sessions />
    </Stack>
  )
}

function Section({ title, children }: { title: string; children: React.ReactNode }) {
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <Title order={2}>{title}</Title>
        {children}
      </Stack>
    </Paper>
  )
}

const Failure = ({ error }: { error: unknown }) =>
  error === undefined ? null : (
    <Text c="red" size="sm" role="alert">
      {toMessage(error)}
    </Text>
  )

function PasswordForm() {
  const [password, setPassword] = useState('')
  const [newPassword, setNewPassword] = useState('')
  const { attempt, isWorking, error, fields } = useAttempt(
    { password, newPassword },
    { password: 'password', newPassword: 'newPassword' },
  )
  const save = () =>
    attempt(async () => {
      await call('changePassword', { body: { password, newPassword } })
      setPassword('')
      setNewPassword('')
      notifications.show({ color: 'green', message: t('account.passwordChanged') })
    })
  return (
    <Section title={t('password')}>
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
        <PasswordInput
          label={t('account.oldPassword')}
          autoComplete="current-password"
          value={password}
          error={fields.password}
          onChange={(event) => setPassword(event.currentTarget.value)}
        />
        <PasswordInput
          label={t('account.newPassword')}
          autoComplete="new-password"
          description={t('password.hint')}
          value={newPassword}
          error={fields.newPassword}
          onChange={(event) => setNewPassword(event.currentTarget.value)}
        />
      </SimpleGrid>
      <FormError error={error} />
      <Button w="fit-content" onClick={save} loading={isWorking} disabled={!password || !newPassword}>
        {t('account.changePassword')}
      </Button>
    </Section>
  )
}

/** Drawn here: the secret goes to no other server. */
function QrCode({ text }: { text: string }) {
  const qr = makeQr(0, 'M')
  qr.addData(text)
  qr.make()
  const size = qr.getModuleCount()
  let path = ''
  for (let row = 0; row < size; row++)
    for (let column = 0; column < size; column++)
      if (qr.isDark(row, column)) path += `M${column} ${row}h1v1h-1z`
  return (
    <svg
      width={200}
      height={200}
      viewBox={`-2 -2 ${size + 4} ${size + 4}`}
      role="img"
      aria-label={t('totp.qr')}
      style={{ background: '#fff', borderRadius: 8 }}
    >
      <path d={path} fill="#000" />
    </svg>
  )
}

function SecondFactor() {
  const { hasTotp } = useSession()
  const client = useQueryClient()
  const [password, setPassword] = useState('')
  const [code, setCode] = useState('')
  const [secret, setSecret] = useState<{ secret: string; url: string }>()
  const [codes, setCodes] = useState<string[]>()
  const [error, setError] = useState<unknown>()
  const attempt = async (work: () => Promise<void>) => {
    setError(undefined)
    try {
      await work()
      setPassword('')
      setCode('')
    } catch (failure) {
      setError(failure)
    }
    await client.invalidateQueries(sessionQuery)
  }
  return (
    <Section title={t('totp.title')}>
      <Text size="sm">{hasTotp ? t('totp.on') : t('totp.off')}</Text>
      {codes && (
        <Alert color="cyan" title={t('totp.codesTitle')}>
          <Text size="sm">{t('totp.codesText')}</Text>
          <Code block>{codes.join('\n')}</Code>
        </Alert>
      )}
      {secret ? (
        <Group align="flex-start">
          <QrCode text={secret.url} />
          <Stack gap="xs">
            <Text size="sm">{t('totp.scan')}</Text>
            <Code block>{secret.secret}</Code>
            <TextInput
              label={t('signIn.code')}
              autoComplete="one-time-code"
              value={code}
              onChange={(event) => {
                setError(undefined)
                setCode(event.currentTarget.value)
              }}
            />
            <Button
              w="fit-content"
              disabled={code.length !== 6}
              onClick={() =>
                attempt(async () => {
                  setCodes((await call('confirmTotp', { body: { code } })).recoveryCodes)
                  setSecret(undefined)
                })
              }
            >
              {t('totp.confirm')}
            </Button>
          </Stack>
        </Group>
      ) : (
        <Group align="flex-end">
          <PasswordInput
            w={260}
            label={t('account.oldPassword')}
            autoComplete="current-password"
            value={password}
            onChange={(event) => {
              setError(undefined)
              setPassword(event.currentTarget.value)
            }}
          />
          <Button
            disabled={!password}
            color={hasTotp ? 'red' : undefined}
            onClick={() =>
              attempt(async () => {
                if (hasTotp) await call('disableTotp', { body: { password } })
                else setSecret(await call('enrolTotp', { body: { password } }))
              })
            }
          >
            {hasTotp ? t('totp.disable') : t('totp.enable')}
          </Button>
        </Group>
      )}
      <Failure error={error} />
    </Section>
  )
}

function Sessions() {
  const client = useQueryClient()
  const { data } = useQuery({
    queryKey: ['sessions'],
    queryFn: ({ signal }) => call('listSessions', {}, signal),
  })
  return (
    <Section title={t('sessions.title')}>
      <TableScroll minWidth={460}>
        <Table>
          <Heads heads={[t('sessions.browser'), t('sessions.address'), t('sessions.seen'), '']} />
          <Table.Tbody>
            {data?.sessions.map((session) => (
              <Table.Tr key={session.id}>
                <Table.Td maw={280}>
                  <Text size="sm" truncate>
                    <Untrusted>{session.userAgent}</Untrusted>
                  </Text>
                </Table.Td>
                <Table.Td>{session.address}</Table.Td>
                <Table.Td>
                  <Ago at={session.lastSeenAt} />
                </Table.Td>
                <Table.Td>
                  {session.isCurrent ? (
                    t('sessions.current')
                  ) : (
                    <Button
                      size="xs"
                      variant="default"
                      onClick={() =>
                        tellFailure(async () => {
                          await call('revokeSession', { params: { id: session.id } })
                          await client.invalidateQueries({ queryKey: ['sessions'] })
                        })
                      }
                    >
                      {t('sessions.end')}
                    </Button>
                  )}
                </Table.Td>
              </Table.Tr>
            ))}
          </Table.Tbody>
        </Table>
      </TableScroll>
    </Section>
  )
}
