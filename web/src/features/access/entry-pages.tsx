import { Button, Center, Group, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import { useQueryClient, useSuspenseQuery } from '@tanstack/react-query'
import { useLocation, useNavigate, useSearch } from '@tanstack/react-router'
import { type FormEvent, type ReactNode, useState } from 'react'
import { call } from '../../api/client.ts'
import { sessionQuery, useSession } from '../../api/session.ts'
import { LANGUAGES, type Language, setLanguage, t } from '../../i18n/index.tsx'
import { toMessage, Waiting } from '../../ui/states.tsx'
import { FormError, useAttempt } from '../../ui/use-attempt.tsx'
import { useDocumentTitle } from '../../ui/use-document-title.ts'
import { placeAfterSso, SsoButton, useSsoReturn } from './sso.tsx'

/** What stands behind the # of a link: no server sees it, so it is in no log. */
const tokenOfPage = () => location.hash.slice(1)

/** Signing in, the first admin, and a new password: what is there for whoever is not known yet. */
export function EntryPage() {
  const { pathname } = useLocation()
  const { data: session } = useSuspenseQuery(sessionQuery)
  if (pathname === '/setup') return <SetupForm />
  if (pathname === '/invite') return <InviteForm />
  if (pathname === '/sign-in/sso') return <SsoReturn />
  return session.isSetupNeeded ? <SetupNeeded /> : <SignInForm />
}

/** After it the session is asked for anew, and the page goes where somebody wanted to be. */
function useEntered() {
  const client = useQueryClient()
  const navigate = useNavigate()
  const { next } = useSearch({ strict: false }) as { next?: string }
  return async () => {
    client.clear()
    await client.fetchQuery(sessionQuery)
    await navigate({ to: next ?? placeAfterSso() ?? '/', replace: true })
  }
}

interface Field {
  name: string
  label: string
  type?: 'password' | 'text' | 'email'
  autoComplete: string
  hint?: string
}

function EntryForm(props: {
  title: string
  text?: ReactNode
  fields: Field[]
  submit: string
  onSubmit(values: Record<string, string>): Promise<void>
  children?: ReactNode
}) {
  useDocumentTitle(props.title)
  const [values, setValues] = useState<Record<string, string>>({})
  const { attempt, isWorking, error, fields } = useAttempt<Record<string, string>>(
    values,
    Object.fromEntries(props.fields.map(({ name }) => [name, name])),
  )
  const submit = (event: FormEvent) => {
    event.preventDefault()
    void attempt(() => props.onSubmit(values))
  }
  return (
    <Center mih="100vh" p="md">
      <Stack w="100%" maw={400} component="main">
        <Group justify="center" gap="sm">
          <img src="/icon.svg" width={34} height={34} alt="" />
          <Text fw={700} fz={22}>
            Rollcall
          </Text>
        </Group>
        <Paper withBorder p="lg" radius="lg">
          <form onSubmit={submit} noValidate>
            <Stack>
              <Title order={1}>{props.title}</Title>
              {props.text && (
                <Text size="sm" c="dimmed" component="div">
                  {props.text}
                </Text>
              )}
              {props.fields.map(({ name, label, type = 'text', autoComplete, hint }, i) => {
                const Input = type === 'password' ? PasswordInput : TextInput
                return (
                  <Input
                    key={name}
                    name={name}
                    label={label}
                    {...(type === 'email' && { type, inputMode: 'email' as const })}
                    autoComplete={autoComplete}
                    autoFocus={i === 0}
                    description={hint}
                    value={values[name] ?? ''}
                    error={fields[name]}
                    onChange={(event) => {
                      const { value } = event.currentTarget
                      setValues((now) => ({ ...now, [name]: value }))
                    }}
                    required
                  />
                )
              })}
              <FormError error={error} />
              <Button type="submit" loading={isWorking}>
                {props.submit}
              </Button>
              {props.children}
            </Stack>
          </form>
        </Paper>
        <Group justify="center" gap="xs">
          {(Object.keys(LANGUAGES) as Language[]).map((language) => (
            <Button
              key={language}
              variant="subtle"
              size="compact-xs"
              lang={language}
              onClick={() => void setLanguage(language)}
            >
              {LANGUAGES[language]}
            </Button>
          ))}
        </Group>
      </Stack>
    </Center>
  )
}

function SignInForm({ begin = 'password' as 'password' | 'code' }) {
  const entered = useEntered()
  const { ssoName } = useSession()
  const [step, setStep] = useState<'password' | 'code' | 'recovery'>(begin)
  if (step === 'password')
    return (
      <EntryForm
        key={step}
        title={t('signIn.title')}
        fields={[
          { name: 'email', label: t('email'), type: 'email', autoComplete: 'username' },
          { name: 'password', label: t('password'), type: 'password', autoComplete: 'current-password' },
        ]}
        submit={t('signIn.submit')}
        onSubmit={async ({ email = '', password = '' }) => {
          const { needsTotp } = await call('signIn', { body: { email, password } })
          if (needsTotp) setStep('code')
          else await entered()
        }}
      >
        {ssoName !== null && <SsoButton name={ssoName} />}
      </EntryForm>
    )
  const isRecoveryCode = step === 'recovery'
  return (
    <EntryForm
      key={step}
      title={t('signIn.codeTitle')}
      text={isRecoveryCode ? t('signIn.recoveryText') : t('signIn.codeText')}
      fields={[
        {
          name: 'code',
          label: isRecoveryCode ? t('signIn.recoveryCode') : t('signIn.code'),
          autoComplete: 'one-time-code',
        },
      ]}
      submit={t('signIn.submit')}
      onSubmit={async ({ code = '' }) => {
        await call('verifySecondFactor', { body: { code: code.trim(), isRecoveryCode } })
        await entered()
      }}
    >
      <Button variant="subtle" size="xs" onClick={() => setStep(isRecoveryCode ? 'code' : 'recovery')}>
        {isRecoveryCode ? t('signIn.useCode') : t('signIn.useRecovery')}
      </Button>
    </EntryForm>
  )
}

/** Where the provider sends the browser back to. */
function SsoReturn() {
  const { needsTotp, error } = useSsoReturn(useEntered())
  if (needsTotp) return <SignInForm begin="code" />
  if (error === undefined) return <Waiting />
  return (
    <EntryForm
      title={t('signIn.title')}
      text={toMessage(error)}
      fields={[]}
      submit={t('signIn.again')}
      onSubmit={async () => location.assign('/sign-in')}
    />
  )
}

const passwordField = (): Field => ({
  name: 'password',
  label: t('password'),
  type: 'password',
  autoComplete: 'new-password',
  hint: t('password.hint'),
})

function SetupForm() {
  const entered = useEntered()
  const [token] = useState(tokenOfPage)
  return (
    <EntryForm
      title={t('setup.title')}
      text={t('setup.text')}
      fields={[
        { name: 'name', label: t('name'), autoComplete: 'name' },
        { name: 'email', label: t('email'), type: 'email', autoComplete: 'username' },
        passwordField(),
      ]}
      submit={t('setup.submit')}
      onSubmit={async ({ name = '', email = '', password = '' }) => {
        await call('setUpFirstAdmin', { body: { token, name, email, password } })
        await entered()
      }}
    />
  )
}

function InviteForm() {
  const entered = useEntered()
  const [token] = useState(tokenOfPage)
  return (
    <EntryForm
      title={t('invite.title')}
      text={t('invite.text')}
      fields={[passwordField()]}
      submit={t('invite.submit')}
      onSubmit={async ({ password = '' }) => {
        await call('acceptInvite', { body: { token, password } })
        await entered()
      }}
    />
  )
}

function SetupNeeded() {
  return (
    <Center mih="100vh" p="md">
      <Paper withBorder p="lg" radius="lg" maw={520} component="main">
        <Stack>
          <Title order={1}>{t('setupNeeded.title')}</Title>
          <Text size="sm">{t('setupNeeded.text')}</Text>
          <Text size="sm" ff="monospace">
            {t('setupNeeded.command')}
          </Text>
        </Stack>
      </Paper>
    </Center>
  )
}
