import { Alert, Button, Code, Group, PasswordInput, Stack, Text, TextInput } from '@mantine/core'
import makeQr from 'qrcode-generator'
import { useState } from 'react'
import { call } from '../../api/client.ts'
import { useSession } from '../../api/session.ts'
import { t } from '../../i18n/index.tsx'
import { FormError, ResourceForm } from '../../ui/resource-form.tsx'
import { useRequestForm } from '../../ui/use-request-form.ts'

interface Secret {
  secret: string
  url: string
}

/** Turns the second factor on, in two steps, or off. */
export function SecondFactor() {
  const { hasTotp } = useSession()
  const [secret, setSecret] = useState<Secret>()
  const [codes, setCodes] = useState<string[]>()
  const confirmed = (recoveryCodes: string[]) => {
    setCodes(recoveryCodes)
    setSecret(undefined)
  }
  return (
    <>
      <Text size="sm">{hasTotp ? t('totp.on') : t('totp.off')}</Text>
      {codes && (
        <Alert color="cyan" title={t('totp.codesTitle')}>
          <Text size="sm">{t('totp.codesText')}</Text>
          <Code block>{codes.join('\n')}</Code>
        </Alert>
      )}
      {secret ? <Confirmation secret={secret} onConfirmed={confirmed} /> : <Toggle onSecret={setSecret} />}
    </>
  )
}

function Toggle({ onSecret }: { onSecret(secret: Secret): void }) {
  const { hasTotp } = useSession()
  const toggle = useRequestForm({
    initialValues: { password: '' },
    send: async (body) => {
      if (!hasTotp) return call('enrolTotp', { body })
      await call('disableTotp', { body })
      return undefined
    },
    invalidates: ['session'],
    onSent: (secret) => secret && onSecret(secret),
  })
  return (
    <form onSubmit={toggle.submit} noValidate>
      <Stack gap="sm">
        <Group align="flex-end">
          <PasswordInput
            w={260}
            label={t('account.oldPassword')}
            autoComplete="current-password"
            {...toggle.form.getInputProps('password')}
          />
          <Button
            type="submit"
            loading={toggle.isPending}
            disabled={!toggle.form.values.password}
            color={hasTotp ? 'red' : undefined}
          >
            {hasTotp ? t('totp.disable') : t('totp.enable')}
          </Button>
        </Group>
        <FormError error={toggle.error} />
      </Stack>
    </form>
  )
}

function Confirmation(props: { secret: Secret; onConfirmed(recoveryCodes: string[]): void }) {
  const { secret, onConfirmed } = props
  const confirm = useRequestForm({
    initialValues: { code: '' },
    send: (body) => call('confirmTotp', { body }),
    invalidates: ['session'],
    onSent: ({ recoveryCodes }) => onConfirmed(recoveryCodes),
  })
  const { getInputProps, values } = confirm.form
  return (
    <Group align="flex-start">
      <QrCode text={secret.url} />
      <ResourceForm form={confirm} submit={t('totp.confirm')} isDisabled={values.code.length !== 6}>
        <Text size="sm">{t('totp.scan')}</Text>
        <Code block>{secret.secret}</Code>
        <TextInput label={t('signIn.code')} autoComplete="one-time-code" {...getInputProps('code')} />
      </ResourceForm>
    </Group>
  )
}

/** Draws the code here: the secret goes to no other server. */
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
