import { Button, Center, Group, Paper, PasswordInput, Stack, Text, TextInput, Title } from '@mantine/core'
import type { ReactNode } from 'react'
import { LANGUAGES, type Language, setLanguage } from '../../i18n/index.tsx'
import { FormError } from '../../ui/resource-form.tsx'
import { useDocumentTitle } from '../../ui/use-document-title.ts'
import { useRequestForm } from '../../ui/use-request-form.ts'

export interface EntryField {
  name: string
  label: string
  type?: 'password' | 'text' | 'email'
  autoComplete: string
  hint?: string
}

interface Props {
  title: string
  text?: ReactNode
  fields: EntryField[]
  submit: string
  onSubmit(values: Record<string, string>): Promise<void>
  children?: ReactNode
}

/** Draws a form for somebody who is not signed in yet. */
export function EntryForm({ title, text, fields, submit, onSubmit, children }: Props) {
  useDocumentTitle(title)
  const entry = useRequestForm<Record<string, string>, void>({
    initialValues: Object.fromEntries(fields.map(({ name }) => [name, ''])),
    send: onSubmit,
  })
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
          <form onSubmit={entry.submit} noValidate>
            <Stack>
              <Title order={1}>{title}</Title>
              {text && (
                <Text size="sm" c="dimmed" component="div">
                  {text}
                </Text>
              )}
              {fields.map((field, i) => (
                <FieldInput
                  key={field.name}
                  field={field}
                  autoFocus={i === 0}
                  {...entry.form.getInputProps(field.name)}
                />
              ))}
              <FormError error={entry.error} />
              <Button type="submit" loading={entry.isPending}>
                {submit}
              </Button>
              {children}
            </Stack>
          </form>
        </Paper>
        <Languages />
      </Stack>
    </Center>
  )
}

function FieldInput({ field, ...input }: { field: EntryField; autoFocus: boolean }) {
  const { name, label, type = 'text', autoComplete, hint } = field
  const Input = type === 'password' ? PasswordInput : TextInput
  return (
    <Input
      name={name}
      label={label}
      {...(type === 'email' && { type, inputMode: 'email' as const })}
      autoComplete={autoComplete}
      description={hint}
      required
      {...input}
    />
  )
}

const Languages = () => (
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
)
