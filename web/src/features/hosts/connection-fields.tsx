import { NumberInput, TextInput } from '@mantine/core'
import { t } from '../../i18n/index.tsx'
import type { InputProps } from '../../ui/use-request-form.ts'

interface Props {
  inputProps: InputProps
  agentPortsHint: string
  isNew?: boolean
}

/** Draws the fields of a form for where a host and its agent are reached. */
export const ConnectionFields = (props: Props) => (
  <>
    <TextInput
      label={t('addHost.address')}
      placeholder="192.0.2.10"
      required={props.isNew === true}
      {...props.inputProps('address')}
    />
    <TextInput label={t('addHost.user')} {...props.inputProps('user')} />
    <NumberInput label={t('addHost.port')} min={1} max={65_535} {...props.inputProps('port')} />
    <TextInput
      label={t('addHost.agentPorts')}
      description={props.agentPortsHint}
      placeholder="7000-7100"
      {...props.inputProps('agentPorts')}
    />
  </>
)
