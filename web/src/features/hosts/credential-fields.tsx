import { Paper, PasswordInput, SegmentedControl, Stack, Textarea } from '@mantine/core'
import type { NewHostInput } from '@rollcall/contracts/admin'
import { t } from '../../i18n/index.tsx'

export interface Secrets {
  type: 'key' | 'password'
  password: string
  privateKey: string
  passphrase: string
  certificate: string
  /** Besides the key, where a host asks for both. */
  secondPassword: string
  sudoPassword: string
}
export const NO_SECRETS: Secrets = {
  type: 'key',
  password: '',
  privateKey: '',
  passphrase: '',
  certificate: '',
  secondPassword: '',
  sudoPassword: '',
}

export function credentialOf(secrets: Secrets): NewHostInput['credential'] {
  const { type, password, privateKey, passphrase, certificate, secondPassword } = secrets
  if (type === 'password') return { type, password }
  return {
    type,
    privateKey,
    ...(passphrase && { passphrase }),
    ...(certificate.trim() && { certificate: certificate.trim() }),
    ...(secondPassword && { password: secondPassword }),
  }
}

/** Where faults of a host that is added or changed are shown. */
export const placesOf = ({ type }: Secrets) =>
  ({
    name: 'name',
    address: 'address',
    port: 'port',
    user: 'user',
    labels: 'labels',
    agentPorts: 'agentPorts',
    hostKey: 'hostKey',
    'credential.privateKey': 'privateKey',
    'credential.passphrase': 'passphrase',
    'credential.certificate': 'certificate',
    // Beside a key it is the second thing that the host asks for.
    'credential.password': type === 'password' ? 'password' : 'secondPassword',
    sudoPassword: 'sudoPassword',
  }) as const

/** `env=prod zone=a` */
export function toLabels(text: string): Record<string, string> {
  const pairs = text.split(/[\s,]+/).filter(Boolean)
  return Object.fromEntries(
    pairs.map((pair) => [pair.split('=')[0] ?? '', pair.split('=').slice(1).join('=')]),
  )
}

export function CredentialFields(props: {
  secrets: Secrets
  onChange(next: Secrets): void
  fields: Record<string, string>
}) {
  const { secrets, fields } = props
  const set = (change: Partial<Secrets>) => props.onChange({ ...secrets, ...change })
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <SegmentedControl
          w="fit-content"
          value={secrets.type}
          onChange={(type) => set({ type: type as Secrets['type'] })}
          data={[
            { value: 'key', label: t('addHost.privateKey') },
            { value: 'password', label: t('password') },
          ]}
          aria-label={t('addHost.credential')}
        />
        {secrets.type === 'password' ? (
          <PasswordInput
            label={t('password')}
            value={secrets.password}
            error={fields['credential.password']}
            autoComplete="off"
            onChange={(event) => set({ password: event.currentTarget.value })}
          />
        ) : (
          <>
            <Textarea
              label={t('addHost.privateKey')}
              description={t('addHost.privateKeyHint')}
              value={secrets.privateKey}
              error={fields['credential.privateKey']}
              autosize
              minRows={3}
              maxRows={8}
              styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
              spellCheck={false}
              onChange={(event) => set({ privateKey: event.currentTarget.value })}
            />
            <PasswordInput
              label={t('addHost.passphrase')}
              value={secrets.passphrase}
              error={fields['credential.passphrase']}
              autoComplete="off"
              onChange={(event) => set({ passphrase: event.currentTarget.value })}
            />
            <Textarea
              label={t('addHost.certificate')}
              description={t('addHost.certificateHint')}
              value={secrets.certificate}
              error={fields['credential.certificate']}
              autosize
              minRows={1}
              maxRows={4}
              styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
              spellCheck={false}
              onChange={(event) => set({ certificate: event.currentTarget.value })}
            />
            <PasswordInput
              label={t('addHost.secondPassword')}
              description={t('addHost.secondPasswordHint')}
              value={secrets.secondPassword}
              error={fields['credential.password']}
              autoComplete="off"
              onChange={(event) => set({ secondPassword: event.currentTarget.value })}
            />
          </>
        )}
        <PasswordInput
          label={t('addHost.sudo')}
          description={t('addHost.sudoHint')}
          value={secrets.sudoPassword}
          error={fields.sudoPassword}
          autoComplete="off"
          onChange={(event) => set({ sudoPassword: event.currentTarget.value })}
        />
      </Stack>
    </Paper>
  )
}
