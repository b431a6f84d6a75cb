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
import { fieldErrors } from '@rollcall/contracts'
import { newHost } from '@rollcall/contracts/admin'
import { useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { FormError, useAttempt } from '../../ui/use-attempt.tsx'
import { useDraft } from '../../ui/use-draft.ts'
import { CredentialFields, credentialOf, NO_SECRETS, placesOf, toLabels } from './credential-fields.tsx'
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
  const { attempt, isWorking, error, refuse, fields } = useAttempt(
    { ...draft, ...secrets },
    placesOf(secrets),
  )
  const navigate = useNavigate()
  const address = { address: draft.address.trim(), port: draft.port }
  const seen = key?.of === JSON.stringify(address) ? key : undefined
  const submit = async (event: FormEvent) => {
    event.preventDefault()
    setChecks([])
    const { sudoPassword } = secrets
    const host = {
      ...address,
      name: draft.name.trim(),
      user: draft.user.trim(),
      labels: toLabels(draft.labels),
      credential: credentialOf(secrets),
      ...(sudoPassword && { sudoPassword }),
      ...(draft.agentPorts.trim() && { agentPorts: draft.agentPorts.trim() }),
    }
    // All that is missing at once, and before anything is asked of the host.
    const wrong = newHost.safeParse(host)
    if (!wrong.success)
      return refuse(
        Object.fromEntries(fieldErrors(wrong.error.issues).map(({ field, message }) => [field, message])),
      )
    await attempt(async () => {
      if (!seen) {
        setKey({ ...(await call('scanHostKey', { body: address })), of: JSON.stringify(address) })
        return
      }
      const { name, labels, agentPorts, ...way } = host
      const reached = {
        ...way,
        hostKey: seen.fingerprint,
        ...(isOnPurpose && { allowDuplicate: true, takeOver: true }),
      }
      const { isReady, checks: found } = await call('checkHost', { body: reached })
      setChecks(found.map(({ name, ok, message }) => ({ name, isOk: ok, message })))
      setAnothers(isOnPurpose || found.some(({ ok, code }) => !ok && isOfAnother(code)))
      if (!isReady) return
      const { commandId } = await call('addHost', {
        body: { ...reached, name, labels, ...(agentPorts && { agentPorts }) },
      })
      forget()
      await navigate({ to: '/commands/$id', params: { id: commandId } })
    })
  }
  /** What was found with other values says nothing of these. */
  const changed = (next: Partial<typeof draft>) => {
    setChecks([])
    change(next)
  }
  return (
    <form onSubmit={submit} noValidate>
      <Stack>
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
          <TextInput
            label={t('addHost.name')}
            value={draft.name}
            error={fields.name}
            onChange={(event) => changed({ name: event.currentTarget.value })}
            placeholder="web-01"
            required
          />
          <TextInput
            label={t('addHost.address')}
            value={draft.address}
            error={fields.address}
            onChange={(event) => changed({ address: event.currentTarget.value })}
            placeholder="192.0.2.10"
            required
          />
        </SimpleGrid>
        <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
          <TextInput
            label={t('addHost.user')}
            value={draft.user}
            error={fields.user}
            onChange={(event) => changed({ user: event.currentTarget.value })}
          />
          <NumberInput
            label={t('addHost.port')}
            value={draft.port}
            error={fields.port}
            min={1}
            max={65_535}
            onChange={(port) => changed({ port: Number(port) })}
          />
          <TextInput
            label={t('addHost.labels')}
            description={t('addHost.labelsHint')}
            value={draft.labels}
            error={fields.labels}
            onChange={(event) => changed({ labels: event.currentTarget.value })}
          />
          <TextInput
            label={t('addHost.agentPorts')}
            description={t('addHost.agentPortsHint')}
            value={draft.agentPorts}
            error={fields.agentPorts}
            onChange={(event) => changed({ agentPorts: event.currentTarget.value })}
            placeholder="7000-7100"
          />
        </SimpleGrid>
        <CredentialFields
          secrets={secrets}
          onChange={(next) => {
            setChecks([])
            setSecrets(next)
          }}
          fields={fields}
        />
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
        <FormError error={error} />
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
