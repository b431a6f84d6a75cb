import {
  Alert,
  Button,
  Checkbox,
  Code,
  Group,
  NumberInput,
  Paper,
  PasswordInput,
  SegmentedControl,
  SimpleGrid,
  Stack,
  Table,
  Tabs,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core'
import type { NewHostInput } from '@rollcall/contracts/admin'
import { Link, useNavigate } from '@tanstack/react-router'
import { type FormEvent, useState } from 'react'
import { ApiError, call } from '../../api/client.ts'
import { t } from '../../i18n/index.tsx'
import { messageOf, PageHeader } from '../../ui/states.tsx'
import { useDraft } from '../../ui/use-draft.ts'
import { readHosts } from './host-list-text.ts'

export function AddHostPage() {
  return (
    <Stack maw={860}>
      <PageHeader title={t('addHost.title')} />
      <Tabs defaultValue="one" keepMounted={false}>
        <Tabs.List>
          <Tabs.Tab value="one">{t('addHost.one')}</Tabs.Tab>
          <Tabs.Tab value="many">{t('addHost.many')}</Tabs.Tab>
        </Tabs.List>
        <Tabs.Panel value="one" pt="md">
          <OneHost />
        </Tabs.Panel>
        <Tabs.Panel value="many" pt="md">
          <ManyHosts />
        </Tabs.Panel>
      </Tabs>
    </Stack>
  )
}

interface Secrets {
  type: 'key' | 'password'
  password: string
  privateKey: string
  passphrase: string
  sudoPassword: string
}
const NO_SECRETS: Secrets = { type: 'key', password: '', privateKey: '', passphrase: '', sudoPassword: '' }

const credentialOf = ({ type, password, privateKey, passphrase }: Secrets): NewHostInput['credential'] =>
  type === 'password' ? { type, password } : { type, privateKey, ...(passphrase && { passphrase }) }

/** `env=prod zone=a` */
function labelsOf(text: string): Record<string, string> {
  const pairs = text.split(/[\s,]+/).filter(Boolean)
  return Object.fromEntries(
    pairs.map((pair) => [pair.split('=')[0] ?? '', pair.split('=').slice(1).join('=')]),
  )
}

/** First the key that the host shows, for a person to compare; nothing secret leaves before. */
function OneHost() {
  const [draft, change, forget] = useDraft('add-host', {
    name: '',
    address: '',
    port: 22,
    user: 'root',
    labels: '',
  })
  const [secrets, setSecrets] = useState(NO_SECRETS)
  const [key, setKey] = useState<{ fingerprint: string; algorithm: string; of: string }>()
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
    try {
      if (!seen) {
        setKey({ ...(await call('scanHostKey', { body: address })), of: JSON.stringify(address) })
        return
      }
      const { sudoPassword } = secrets
      const { commandId } = await call('addHost', {
        body: {
          ...address,
          name: draft.name.trim(),
          user: draft.user.trim(),
          labels: labelsOf(draft.labels),
          credential: credentialOf(secrets),
          ...(sudoPassword && { sudoPassword }),
          hostKey: seen.fingerprint,
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

function CredentialFields(props: {
  secrets: Secrets
  onChange(next: Secrets): void
  fields: Record<string, string>
}) {
  const { secrets, fields } = props
  const set = (change: Partial<Secrets>) => props.onChange({ ...secrets, ...change })
  return (
    <Paper withBorder p="md">
      <Stack gap="sm">
        <SegmentedControl
          w="fit-content"
          value={secrets.type}
          onChange={(type) => set({ type: type as Secrets['type'] })}
          data={[
            { value: 'key', label: t('addHost.privateKey') },
            { value: 'password', label: t('password') },
          ]}
          aria-label={t('addHost.credential')}
        />
        {secrets.type === 'password' ? (
          <PasswordInput
            label={t('password')}
            value={secrets.password}
            error={fields['credential.password']}
            autoComplete="off"
            onChange={(event) => set({ password: event.currentTarget.value })}
          />
        ) : (
          <>
            <Textarea
              label={t('addHost.privateKey')}
              description={t('addHost.privateKeyHint')}
              value={secrets.privateKey}
              error={fields['credential.privateKey']}
              autosize
              minRows={3}
              maxRows={8}
              ff="monospace"
              spellCheck={false}
              onChange={(event) => set({ privateKey: event.currentTarget.value })}
            />
            <PasswordInput
              label={t('addHost.passphrase')}
              value={secrets.passphrase}
              error={fields['credential.passphrase']}
              autoComplete="off"
              onChange={(event) => set({ passphrase: event.currentTarget.value })}
            />
          </>
        )}
        <PasswordInput
          label={t('addHost.sudo')}
          description={t('addHost.sudoHint')}
          value={secrets.sudoPassword}
          error={fields.sudoPassword}
          autoComplete="off"
          onChange={(event) => set({ sudoPassword: event.currentTarget.value })}
        />
      </Stack>
    </Paper>
  )
}

type Outcome = { commandId: string } | { error: string }
const AT_ONCE = 4

/** A list, an inventory or an OpenSSH config, shown as hosts before anything is done. One bad host stops no other. */
function ManyHosts() {
  const [draft, change] = useDraft('add-hosts', { text: '', user: 'root', labels: '' })
  const [secrets, setSecrets] = useState(NO_SECRETS)
  const [left, setLeft] = useState<ReadonlySet<string>>(new Set())
  const [outcomes, setOutcomes] = useState<ReadonlyMap<string, Outcome>>(new Map())
  const [isWorking, setWorking] = useState(false)
  const { hosts, unread } = readHosts(draft.text)
  const chosen = hosts.filter(({ name }) => !left.has(name) && !('commandId' in (outcomes.get(name) ?? {})))
  const add = async () => {
    setWorking(true)
    const queue = [...chosen]
    const work = async () => {
      for (let host = queue.shift(); host !== undefined; host = queue.shift()) {
        const { name, address, port, user, labels } = host
        const { sudoPassword } = secrets
        const outcome: Outcome = await call('addHost', {
          body: {
            ...{ name, address, port, user: user ?? draft.user, credential: credentialOf(secrets) },
            ...(sudoPassword && { sudoPassword }),
            labels: { ...labels, ...labelsOf(draft.labels) },
          },
        }).catch((error) => ({ error: messageOf(error) }))
        setOutcomes((now) => new Map(now).set(name, outcome))
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    setWorking(false)
  }
  return (
    <Stack>
      <Textarea
        label={t('addHosts.text')}
        description={t('addHosts.hint')}
        value={draft.text}
        onChange={(event) => change({ text: event.currentTarget.value })}
        autosize
        minRows={5}
        maxRows={16}
        ff="monospace"
        spellCheck={false}
        placeholder={'root@192.0.2.10 web-01\n[web]\nweb-02 ansible_host=192.0.2.11'}
      />
      <SimpleGrid cols={{ base: 1, sm: 2, lg: 4 }}>
        <TextInput
          label={t('addHosts.user')}
          value={draft.user}
          onChange={(event) => change({ user: event.currentTarget.value })}
        />
        <TextInput
          label={t('addHost.labels')}
          value={draft.labels}
          onChange={(event) => change({ labels: event.currentTarget.value })}
        />
      </SimpleGrid>
      <CredentialFields secrets={secrets} onChange={setSecrets} fields={{}} />
      <Alert color="yellow">{t('addHosts.keys')}</Alert>
      {unread.length > 0 && (
        <Alert color="red" title={t('addHosts.unread')}>
          {unread.slice(0, 10).map(({ line, text }) => (
            <div key={line}>{`${line}: ${text}`}</div>
          ))}
        </Alert>
      )}
      {hosts.length > 0 && (
        <Table.ScrollContainer minWidth={520}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <Table.Th />
                <Table.Th>{t('addHost.name')}</Table.Th>
                <Table.Th>{t('addHost.address')}</Table.Th>
                <Table.Th>{t('addHost.user')}</Table.Th>
                <Table.Th>{t('addHosts.outcome')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {hosts.slice(0, 500).map(({ name, address, port, user }) => {
                const outcome = outcomes.get(name)
                return (
                  <Table.Tr key={name}>
                    <Table.Td>
                      <Checkbox
                        aria-label={name}
                        checked={!left.has(name)}
                        onChange={() => {
                          const next = new Set(left)
                          if (!next.delete(name)) next.add(name)
                          setLeft(next)
                        }}
                      />
                    </Table.Td>
                    <Table.Td>{name}</Table.Td>
                    <Table.Td>{port === 22 ? address : `${address}:${port}`}</Table.Td>
                    <Table.Td>{user ?? draft.user}</Table.Td>
                    <Table.Td>
                      {outcome && 'error' in outcome && <Text c="red">{outcome.error}</Text>}
                      {outcome && 'commandId' in outcome && (
                        <Link to="/commands/$id" params={{ id: outcome.commandId }}>
                          {t('addHosts.installing')}
                        </Link>
                      )}
                    </Table.Td>
                  </Table.Tr>
                )
              })}
            </Table.Tbody>
          </Table>
        </Table.ScrollContainer>
      )}
      <Group>
        <Button onClick={add} loading={isWorking} disabled={chosen.length === 0}>
          {t('addHosts.add', { count: chosen.length })}
        </Button>
      </Group>
    </Stack>
  )
}
