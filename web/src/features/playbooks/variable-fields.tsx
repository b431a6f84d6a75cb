import { PasswordInput, Select, Textarea, TextInput } from '@mantine/core'
import type { PlaybookVariable } from '@rollcall/contracts/admin'
import { t } from '../../i18n/index.tsx'
import { CODE_INPUT } from '../../ui/theme.ts'
import type { InputProps } from '../../ui/use-request-form.ts'
import { defaultText, isJson, isLines, variableField } from './variables.ts'

/** Draws the field that fits what a variable may be. */
export function VariableField(props: { variable: PlaybookVariable; inputProps: InputProps }) {
  const { variable, inputProps } = props
  const input = inputProps(variableField(variable))
  const common = {
    label: variable.name,
    description: variable.description,
    placeholder: defaultText(variable),
    withAsterisk: variable.isRequired,
    ...input,
    value: input.value ?? '',
  }
  const choices = variable.type === 'bool' ? [true, false] : variable.choices
  if (choices)
    return (
      <Select
        {...common}
        data={choices.map(String)}
        value={input.value || null}
        clearable
        onChange={(chosen) => input.onChange(chosen ?? '')}
      />
    )
  if (isLines(variable) || isJson(variable))
    return (
      <Textarea
        {...common}
        description={`${variable.description} ${isLines(variable) ? t('playbooks.lines') : t('playbooks.json')}`}
        autosize
        minRows={2}
        maxRows={12}
        {...CODE_INPUT}
      />
    )
  return variable.isSecret ? (
    <PasswordInput {...common} autoComplete="off" />
  ) : (
    <TextInput {...common} spellCheck={false} />
  )
}
