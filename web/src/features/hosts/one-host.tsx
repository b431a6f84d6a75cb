import {
  Alert,
  Button,
  Checkbox,
  Code,
  Group,
  NumberInput,
  SimpleGrid,
  Stack,
  Text,
  TextInput,
} from '@mantine/core'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { ApiError, call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { messageOf } from '../../ui/states.tsx'
import { useDraft } from '../../ui/use-draft.ts'
import { CredentialFields, credentialOf, labelsOf, NO_SECRETS } from './credential-fields.tsx'
import { isOfAnother } from './edit-host.tsx'
import type { PreflightLine } from './preflight-lines.ts'
import { Preflight } from './preflight-list.tsx'

/** First the key that the host shows, for a person to compare; nothing secret leaves before. */
export function OneHost() {
  const [draft, change, forget] = useDraft('add-host', {
    name: '',
    address: '',
    port: 22,
    user: 'root',
    labels: '',
    agentPorts: '',
  })
  const [secrets, setSecrets] = useState(NO_SECRETS)
  const [key, setKey] = useState<{ fingerprint: string; algorithm: string; of: string }>()
  const [checks, setChecks] = useState<PreflightLine[]>([])
  /** Whether the machine, or its agent, was found to be another host's, and whether it is taken all the same. */
  const [isAnothers, setAnothers] = useState(false)
  const [isOnPurpose, setOnPurpose] = useState(false)
  const [error, setError] = useState<unknown>()
  const [isWorking, setWorking] = useState(false)
  const navigate = useNavigate()
  const fields = error instanceof ApiError ? error.fields : {}
  const address = { address: draft.address.trim(), port: draft.port }
  const seen = key?.of === JSON.stringify(address) ? key : undefined
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setWorking(true)
    setError(undefined)
    setChecks([])
    try {
      if (!seen) {
        setKey({ ...(await call('scanHostKey', { body: address })), of: JSON.stringify(address) })
        return
      }
      const { sudoPassword } = secrets
      const reached = {
        ...address,
        user: draft.user.trim(),
        credential: credentialOf(secrets),
        ...(sudoPassword && { sudoPassword }),
        hostKey: seen.fingerprint,
        ...(isOnPurpose && { allowDuplicate: true, takeOver: true }),
      }
      const { isReady, checks: found } = await call('checkHost', { body: reached })
      setChecks(found.map(({ name, ok, message }) => ({ name, isOk: ok, message })))
      setAnothers(isOnPurpose || found.some(({ ok, code }) => !ok && isOfAnother(code)))
      if (!isReady) return
      const agentPorts = draft.agentPorts.trim()
      const { commandId } = await call('addHost', {
        body: {
          ...reached,
          name: draft.name.trim(),
          labels: labelsOf(draft.labels),
          ...(agentPorts !== '' && { agentPorts }),
        },
      })
      forget()
      await navigate({ to: '/commands/$id', params: { id: commandId } })
    } catch (failure) {
      setError(failure)
    } finally {
      setWorking(false)
    }
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
          <TextInput
            label={t('addHost.name')}
            value={draft.name}
            error={fields.name}
            onChange={(event) => change({ name: event.currentTarget.value })}
            placeholder="web-01"
            required
          />
          <TextInput
            label={t('addHost.address')}
            value={draft.address}
            error={fields.address}
            onChange={(event) => change({ address: event.currentTarget.value })}
            placeholder="192.0.2.10"
            required
          />
        </SimpleGrid>
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
          <TextInput
            label={t('addHost.user')}
            value={draft.user}
            error={fields.user}
            onChange={(event) => change({ user: event.currentTarget.value })}
          />
          <NumberInput
            label={t('addHost.port')}
            value={draft.port}
            error={fields.port}
            min={1}
            max={65_535}
            onChange={(port) => change({ port: Number(port) })}
          />
          <TextInput
            label={t('addHost.labels')}
            description={t('addHost.labelsHint')}
            value={draft.labels}
            error={fields.labels}
            onChange={(event) => change({ labels: event.currentTarget.value })}
          />
          <TextInput
            label={t('addHost.agentPorts')}
            description={t('addHost.agentPortsHint')}
            value={draft.agentPorts}
            error={fields.agentPorts}
            onChange={(event) => change({ agentPorts: event.currentTarget.value })}
            placeholder="7000-7100"
          />
        </SimpleGrid>
        <CredentialFields secrets={secrets} onChange={setSecrets} fields={fields} />
        {seen && (
          <Alert color="cyan" title={t('addHost.keyTitle')}>
            <Stack gap="xs">
              <Text size="sm">{t('addHost.keyText')}</Text>
              <Code block>{`${seen.algorithm} ${seen.fingerprint}`}</Code>
              <Text size="sm">{t('addHost.keyHow')}</Text>
              <Code block>ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub</Code>
            </Stack>
          </Alert>
        )}
        <Preflight checks={checks} />
        {checks.some(({ isOk }) => !isOk) && (
          <Alert color="red" role="alert">
            {t('addHost.notReady')}
          </Alert>
        )}
        {isAnothers && (
          <Checkbox
            label={t('host.takeOver')}
            checked={isOnPurpose}
            onChange={(event) => setOnPurpose(event.currentTarget.checked)}
          />
        )}
        {error !== undefined && (
          <Alert color="red" role="alert">
            {messageOf(error)}
          </Alert>
        )}
        <Group>
          <Button type="submit" loading={isWorking}>
            {seen ? t('addHost.trust') : t('addHost.look')}
          </Button>
        </Group>
        {!seen && (
          <Text size="sm" c="dimmed">
            {t('addHost.next')}
          </Text>
        )}
      </Stack>
    </form>
  )
}
