import { Alert, Checkbox, Code, SimpleGrid, Stack, Text, TextInput } from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { useState } from 'react'
import { t } from '../../i18n/index.tsx'
import { toFormFaults } from '../../ui/faults.ts'
import { ResourceForm } from '../../ui/resource-form.tsx'
import { type InputProps, useRequestForm } from '../../ui/use-request-form.ts'
import {
  addOneHost,
  addressOf,
  missingIn,
  NEW_HOST,
  type NewHostValues,
  type SeenKey,
} from './add-one-host.ts'
import { ConnectionFields } from './connection-fields.tsx'
import { credentialFieldNames, SECRET_FIELDS } from './credential.ts'
import { CredentialFields } from './credential-fields.tsx'
import type { PreflightLine } from './preflight-lines.ts'
import { Preflight } from './preflight-list.tsx'

/** Adds a host in steps: its host key is shown for a person to compare, and nothing secret leaves before. */
export function OneHost() {
  const [key, setKey] = useState<SeenKey>()
  const [checks, setChecks] = useState<PreflightLine[]>([])
  const [isOfAnother, setOfAnother] = useState(false)
  const navigate = useNavigate()
  const seenAt = (values: NewHostValues) => (key?.address === addressOf(values) ? key : undefined)
  const host = useRequestForm({
    initialValues: NEW_HOST,
    fieldNames: credentialFieldNames,
    draft: 'add-host',
    transient: [...SECRET_FIELDS, 'takeOver'],
    check: (values) => toFormFaults(missingIn(values), values, credentialFieldNames(values)),
    // What was found with other values says nothing of these.
    onChange: () => setChecks([]),
    send: (values) => addOneHost(values, seenAt(values)),
    isDone: ({ is }) => is === 'added',
    onSent: (step) => {
      if (step.is === 'added') return navigate({ to: '/commands/$id', params: { id: step.commandId } })
      if (step.is === 'key-shown') return setKey(step.key)
      setChecks(step.checks)
      return setOfAnother(step.isOfAnother)
    },
  })
  const { getInputProps, values } = host.form
  const seen = seenAt(values)
  return (
    <ResourceForm form={host} submit={seen ? t('addHost.trust') : t('addHost.look')}>
      <HostFields inputProps={getInputProps} />
      <CredentialFields inputProps={getInputProps} type={values.type} />
      {seen && <HostKey seen={seen} />}
      <Preflight checks={checks} />
      {checks.some(({ isOk }) => !isOk) && (
        <Alert color="red" role="alert">
          {t('addHost.notReady')}
        </Alert>
      )}
      {isOfAnother && (
        <Checkbox label={t('host.takeOver')} {...getInputProps('takeOver', { type: 'checkbox' })} />
      )}
      {!seen && (
        <Text size="sm" c="dimmed">
          {t('addHost.next')}
        </Text>
      )}
    </ResourceForm>
  )
}

const HostFields = ({ inputProps }: { inputProps: InputProps }) => (
  <SimpleGrid cols={{ base: 1, sm: 2 }}>
    <TextInput label={t('addHost.name')} placeholder="web-01" required {...inputProps('name')} />
    <TextInput label={t('addHost.labels')} placeholder={t('addHost.labelsHint')} {...inputProps('labels')} />
    <ConnectionFields isNew inputProps={inputProps} agentPortsHint={t('addHost.agentPortsHint')} />
  </SimpleGrid>
)

const HostKey = ({ seen }: { seen: SeenKey }) => (
  <Alert color="cyan" title={t('addHost.keyTitle')}>
    <Stack gap="xs">
      <Text size="sm">{t('addHost.keyText')}</Text>
      <Code block>{`${seen.algorithm} ${seen.fingerprint}`}</Code>
      <Text size="sm">{t('addHost.keyHow')}</Text>
      <Code block>ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub</Code>
    </Stack>
  </Alert>
)
