import { Alert, Button, Checkbox, Group, Modal, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import type { HostView } from '@rollcall/contracts/admin'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { ApiError, call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { ResourceForm } from '../../ui/resource-form.tsx'
import { useRequestForm } from '../../ui/use-request-form.ts'
import { ConnectionFields } from './connection-fields.tsx'
import { credentialFieldNames, isOfAnother } from './credential.ts'
import { CredentialFields } from './credential-fields.tsx'
import { editOf, toChange } from './host-edit.ts'

/** Draws the button that changes how a host is reached. What is typed is gone when the dialog is closed. */
export function EditHost({ host }: { host: HostView }) {
  const [isOpen, setOpen] = useState(false)
  const close = () => setOpen(false)
  return (
    <>
      <Button variant="default" size="sm" onClick={() => setOpen(true)}>
        {t('host.edit')}
      </Button>
      <Modal opened={isOpen} onClose={close} title={t('host.editTitle', { host: host.name })} size="lg">
        <EditForm host={host} onClose={close} />
      </Modal>
    </>
  )
}

function EditForm({ host, onClose }: { host: HostView; onClose(): void }) {
  const [isSilent, setSilent] = useState(false)
  const navigate = useNavigate()
  const edit = useRequestForm({
    initialValues: editOf(host),
    fieldNames: credentialFieldNames,
    send: (values) => call('changeHost', { params: { host: host.id }, body: toChange(host, values) ?? {} }),
    invalidates: ['showHost'],
    onSent: ({ commandId, isAgentAnswering }) => {
      if (commandId) return navigate({ to: '/commands/$id', params: { id: commandId } })
      return isAgentAnswering === false ? setSilent(true) : onClose()
    },
  })
  const { getInputProps, values } = edit.form
  const checkbox = (field: 'forgetsSudo' | 'skipCheck' | 'allowDuplicate', label: string) => (
    <Checkbox label={label} {...getInputProps(field, { type: 'checkbox' })} />
  )
  const code = edit.failure instanceof ApiError ? edit.failure.code : undefined
  if (isSilent) return <SilentAgent onClose={onClose} />
  return (
    <ResourceForm
      form={edit}
      submit={t('host.editSave')}
      isDisabled={toChange(host, values) === null}
      onCancel={onClose}
    >
      <Text size="sm">{t('host.editText')}</Text>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <ConnectionFields inputProps={getInputProps} agentPortsHint={t('host.editAgentPortsHint')} />
      </SimpleGrid>
      <TextInput label={t('trust.ssh')} description={t('host.editKeyHint')} {...getInputProps('hostKey')} />
      <CredentialFields inputProps={getInputProps} type={values.type} />
      {checkbox('forgetsSudo', t('host.editForgetSudo'))}
      {checkbox('skipCheck', t('host.editSkipCheck'))}
      {(isOfAnother(code) || values.allowDuplicate) && checkbox('allowDuplicate', t('host.onPurpose'))}
    </ResourceForm>
  )
}

const SilentAgent = ({ onClose }: { onClose(): void }) => (
  <Stack>
    <Alert color="yellow" role="alert">
      {t('host.editSilent')}
    </Alert>
    <Group justify="flex-end">
      <Button onClick={onClose}>{t('close')}</Button>
    </Group>
  </Stack>
)
