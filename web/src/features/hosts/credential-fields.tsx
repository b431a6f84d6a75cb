import { Paper, PasswordInput, SegmentedControl, Stack, Textarea } from '@mantine/core'
import { t } from '../../i18n/index.tsx'
import { CODE_INPUT } from '../../ui/theme.ts'
import type { InputProps } from '../../ui/use-request-form.ts'
import type { Secrets } from './credential.ts'

interface Props {
  inputProps: InputProps
  type: Secrets['type']
}

/** Draws the fields of a form for what the server signs in to a host with. */
export function CredentialFields({ inputProps, type }: Props) {
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <SegmentedControl
          w="fit-content"
          data={[
            { value: 'key', label: t('addHost.privateKey') },
            { value: 'password', label: t('password') },
          ]}
          aria-label={t('addHost.credential')}
          {...inputProps('type')}
        />
        {type === 'password' ? (
          <PasswordInput label={t('password')} autoComplete="off" {...inputProps('password')} />
        ) : (
          <KeyFields inputProps={inputProps} />
        )}
        <PasswordInput
          label={t('addHost.sudo')}
          description={t('addHost.sudoHint')}
          autoComplete="off"
          {...inputProps('sudoPassword')}
        />
      </Stack>
    </Paper>
  )
}

const KeyFields = ({ inputProps }: Pick<Props, 'inputProps'>) => (
  <>
    <Textarea
      label={t('addHost.privateKey')}
      description={t('addHost.privateKeyHint')}
      autosize
      minRows={3}
      maxRows={8}
      {...CODE_INPUT}
      {...inputProps('privateKey')}
    />
    <PasswordInput label={t('addHost.passphrase')} autoComplete="off" {...inputProps('passphrase')} />
    <Textarea
      label={t('addHost.certificate')}
      description={t('addHost.certificateHint')}
      autosize
      minRows={1}
      maxRows={4}
      {...CODE_INPUT}
      {...inputProps('certificate')}
    />
    <PasswordInput
      label={t('addHost.secondPassword')}
      description={t('addHost.secondPasswordHint')}
      autoComplete="off"
      {...inputProps('secondPassword')}
    />
  </>
)
