import {
  Alert,
  Button,
  Checkbox,
  Group,
  Modal,
  NumberInput,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from '@mantine/core'
import type { HostView } from '@rollcall/contracts/admin'
import { useQueryClient } from '@tanstack/react-query'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { FormError, useAttempt } from '../../ui/use-attempt.tsx'
import { CredentialFields, placesOf } from './credential-fields.tsx'
import { editOf, type HostEdit, toChange } from './host-edit.ts'

/** A machine or an agent that belongs to another host: taken on purpose only. */
export const isOfAnother = (code: string | null | undefined): boolean =>
  code === 'host.same_machine' || code === 'host.agent_taken'

/** Changes how a host is reached. What is typed stays in this component, and is gone when it is closed. */
export function EditHost({ host }: { host: HostView }) {
  const [isOpen, setOpen] = useState(false)
  return (
    <>
      <Button variant="default" size="sm" onClick={() => setOpen(true)}>
        {t('host.edit')}
      </Button>
      <Modal
        opened={isOpen}
        onClose={() => setOpen(false)}
        title={t('host.editTitle', { host: host.name })}
        size="lg"
      >
        <EditForm host={host} onClose={() => setOpen(false)} />
      </Modal>
    </>
  )
}

function EditForm({ host, onClose }: { host: HostView; onClose(): void }) {
  const [edit, setEdit] = useState<HostEdit>(() => editOf(host))
  const [isSilent, setSilent] = useState(false)
  const { attempt, isWorking, error, code, fields } = useAttempt(
    { ...edit, ...edit.secrets },
    placesOf(edit.secrets),
  )
  const client = useQueryClient()
  const navigate = useNavigate()
  const change = toChange(host, edit)
  const submit = (event: FormEvent) => {
    event.preventDefault()
    if (!change) return
    void attempt(async () => {
      const { commandId, isAgentAnswering } = await call('changeHost', {
        params: { host: host.id },
        body: change,
      })
      await client.invalidateQueries({ queryKey: ['host', host.name] })
      if (commandId) await navigate({ to: '/commands/$id', params: { id: commandId } })
      else if (isAgentAnswering === false) setSilent(true)
      else onClose()
    })
  }
  if (isSilent)
    return (
      <Stack>
        <Alert color="yellow" role="alert">
          {t('host.editSilent')}
        </Alert>
        <Group justify="flex-end">
          <Button onClick={onClose}>{t('host.editClose')}</Button>
        </Group>
      </Stack>
    )
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <Text size="sm">{t('host.editText')}</Text>
        <Place edit={edit} onChange={setEdit} fields={fields} />
        <CredentialFields
          secrets={edit.secrets}
          onChange={(secrets) => setEdit({ ...edit, secrets })}
          fields={fields}
        />
        <Choice edit={edit} of="forgetsSudo" label={t('host.editForgetSudo')} onChange={setEdit} />
        <Choice edit={edit} of="skipCheck" label={t('host.editSkipCheck')} onChange={setEdit} />
        {(isOfAnother(code) || edit.allowDuplicate) && (
          <Choice edit={edit} of="allowDuplicate" label={t('host.onPurpose')} onChange={setEdit} />
        )}
        <FormError error={error} />
        <Group justify="flex-end">
          <Button variant="default" onClick={onClose}>
            {t('cancel')}
          </Button>
          <Button type="submit" loading={isWorking} disabled={!change}>
            {t('host.editSave')}
          </Button>
        </Group>
      </Stack>
    </form>
  )
}

interface PartProps {
  edit: HostEdit
  onChange(next: HostEdit): void
}

function Place({ edit, onChange, fields }: PartProps & { fields: Record<string, string> }) {
  const set = (change: Partial<HostEdit>) => onChange({ ...edit, ...change })
  return (
    <>
      <SimpleGrid cols={{ base: 1, sm: 2 }}>
        <TextInput
          label={t('addHost.address')}
          value={edit.address}
          error={fields.address}
          onChange={(event) => set({ address: event.currentTarget.value })}
        />
        <NumberInput
          label={t('addHost.port')}
          value={edit.port}
          error={fields.port}
          min={1}
          max={65_535}
          onChange={(port) => set({ port: Number(port) })}
        />
        <TextInput
          label={t('addHost.user')}
          value={edit.user}
          error={fields.user}
          onChange={(event) => set({ user: event.currentTarget.value })}
        />
        <TextInput
          label={t('addHost.agentPorts')}
          description={t('host.editAgentPortsHint')}
          value={edit.agentPorts}
          error={fields.agentPorts}
          placeholder="7000-7100"
          onChange={(event) => set({ agentPorts: event.currentTarget.value })}
        />
      </SimpleGrid>
      <TextInput
        label={t('trust.ssh')}
        description={t('host.editKeyHint')}
        value={edit.hostKey}
        error={fields.hostKey}
        onChange={(event) => set({ hostKey: event.currentTarget.value })}
      />
    </>
  )
}

function Choice(props: PartProps & { of: 'forgetsSudo' | 'skipCheck' | 'allowDuplicate'; label: string }) {
  const { edit, of, label, onChange } = props
  return (
    <Checkbox
      label={label}
      checked={edit[of]}
      onChange={(event) => onChange({ ...edit, [of]: event.currentTarget.checked })}
    />
  )
}
