import { Alert, Button, Group, Modal, Paper, Stack, Text } from '@mantine/core'
import type { ReactNode } from 'react'
import { t } from '../i18n/index.tsx'
import { toMessage } from './states.tsx'
import type { RequestForm } from './use-request-form.ts'

interface Props {
  form: RequestForm
  submit: string
  children: ReactNode
  isDisabled?: boolean
  /** Buttons beside that which sends it. */
  more?: ReactNode
  onCancel?(): void
}

/** Draws a form with its fields, what is wrong with it as a whole, and the button that sends it. */
export function ResourceForm({ form, submit, children, isDisabled = false, more, onCancel }: Props) {
  return (
    <form onSubmit={form.submit} noValidate>
      <Stack gap="sm">
        {children}
        <FormError error={form.error} />
        <Group justify={onCancel && 'flex-end'}>
          {onCancel && (
            <Button variant="default" onClick={onCancel}>
              {t('cancel')}
            </Button>
          )}
          <Button type="submit" loading={form.isPending} disabled={isDisabled}>
            {submit}
          </Button>
          {more}
        </Group>
      </Stack>
    </form>
  )
}

/** Draws a form on a page, below the table of what it adds to. */
export const AddForm = ({ title, ...props }: Omit<Props, 'submit'> & { title: string }) => (
  <Paper withBorder p="md">
    <Stack gap="sm">
      <Text fw={600}>{title}</Text>
      <ResourceForm submit={title} {...props} />
    </Stack>
  </Paper>
)

/** Draws a form in a dialog. */
export const FormDialog = ({ title, onClose, ...props }: Props & { title: string; onClose(): void }) => (
  <Modal opened onClose={onClose} title={title} centered>
    <ResourceForm {...props} />
  </Modal>
)

export const FormError = ({ error }: { error: unknown }) =>
  error === undefined || error === null ? null : (
    <Alert color="red" role="alert">
      {toMessage(error)}
    </Alert>
  )

/** Shows in one line what went wrong with something that is no form. */
export const Failure = ({ error }: { error: unknown }) =>
  error === undefined || error === null ? null : (
    <Text c="red" size="sm" role="alert">
      {toMessage(error)}
    </Text>
  )
