import { PasswordInput, Select, Textarea, TextInput } from '@mantine/core'
import type { PlaybookVariable } from '@rollcall/contracts/admin'
import { t } from '../../i18n/index.tsx'
import { defaultText, isJson, isLines } from './variables.ts'

interface Props {
  variable: PlaybookVariable
  value: string
  error: string | undefined
  onChange(text: string): void
}

/** The field that fits what a variable may be. */
export function VariableField({ variable, value, error, onChange }: Props) {
  const common = {
    label: variable.name,
    description: variable.description,
    placeholder: defaultText(variable),
    withAsterisk: variable.isRequired,
    value,
    error,
  }
  const choices = variable.type === 'bool' ? [true, false] : variable.choices
  if (choices)
    return (
      <Select
        {...common}
        data={choices.map(String)}
        value={value || null}
        clearable
        onChange={(chosen) => onChange(chosen ?? '')}
      />
    )
  const typed = {
    onChange: (event: { currentTarget: { value: string } }) => onChange(event.currentTarget.value),
  }
  if (isLines(variable) || isJson(variable))
    return (
      <Textarea
        {...common}
        {...typed}
        description={`${variable.description} ${isLines(variable) ? t('playbooks.lines') : t('playbooks.json')}`}
        autosize
        minRows={2}
        maxRows={12}
        spellCheck={false}
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
      />
    )
  return variable.isSecret ? (
    <PasswordInput {...common} {...typed} autoComplete="off" />
  ) : (
    <TextInput {...common} {...typed} spellCheck={false} />
  )
}
