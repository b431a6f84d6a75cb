import { Button, Center, Paper, Stack, Text, Title } from '@mantine/core'
import { useQueryClient, useSuspenseQuery } from '@tanstack/react-query'
import { useLocation, useNavigate, useSearch } from '@tanstack/react-router'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { sessionQuery, useSession } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { toMessage, Waiting } from '../../ui/states.tsx'
import { type EntryField, EntryForm } from './entry-form.tsx'
import { placeAfterSso, SsoButton, useSsoReturn } from './sso.tsx'

/** Returns what follows the # of a link: no server sees it, so it is in no log. */
const tokenOfPage = () => location.hash.slice(1)

/** Shows the page for somebody who is not signed in: sign-in, the first administrator, or a new password. */
export function EntryPage() {
  const { pathname } = useLocation()
  const { data: session } = useSuspenseQuery(sessionQuery)
  if (pathname === '/setup') return <SetupForm />
  if (pathname === '/invite') return <InviteForm />
  if (pathname === '/sign-in/sso') return <SsoReturn />
  return session.isSetupNeeded ? <SetupNeeded /> : <SignInForm />
}

/** Returns what to do once signed in: read the session again and go to the page that was asked for. */
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

/** Finishes single sign-on after the provider has sent the browser back. */
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

const passwordField = (): EntryField => ({
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
