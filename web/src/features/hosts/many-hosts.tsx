import {
  Alert,
  Button,
  Checkbox,
  Group,
  SimpleGrid,
  Stack,
  Table,
  Text,
  Textarea,
  TextInput,
} from '@mantine/core'
import { type ImportedHost, type Problem, readHosts } from '@rollcall/inventory'
import { useQuery, useQueryClient } from '@tanstack/react-query'
import { Link } from '@tanstack/react-router'
import { useDeferredValue, useMemo, useState } from 'react'
import { call } from '../../api/client.ts'
import { type MessageKey, t } from '../../i18n/index.tsx'
import { StateBadge } from '../../ui/state-badge.tsx'
import { toMessage } from '../../ui/states.tsx'
import { ActionsHead, TableScroll } from '../../ui/table-scroll.tsx'
import { Untrusted } from '../../ui/untrusted.tsx'
import { Labels } from '../fleet/fleet-row.tsx'
import { CredentialFields, credentialOf, NO_SECRETS, toLabels } from './credential-fields.tsx'
import { type FleetHost, type KnownHosts, knownAs, knownHosts } from './known-hosts.ts'

/** Of a host that could not be added; what becomes of one that was, the fleet tells. */
type Outcome = { commandId: string } | { error: string }
/** While hosts are being installed. */
const LOOK_AGAIN_MS = 2000
const AT_ONCE = 4
/** Drawn of a long list; all of it is added. */
const MAX_ROWS = 500
const MAX_UNREAD = 10

/** A list, an inventory or an OpenSSH config, shown as hosts before anything is done. One bad host stops no other. */
export function ManyHosts() {
  // What is pasted may hold passwords, and stays in this page's memory alone: nothing of it is kept.
  const [draft, setDraft] = useState({ text: '', user: 'root', labels: '' })
  const change = (part: Partial<typeof draft>) => setDraft((now) => ({ ...now, ...part }))
  const [secrets, setSecrets] = useState(NO_SECRETS)
  /** What somebody has checked or unchecked; the others stand as they were read. */
  const [choices, setChoices] = useState<ReadonlyMap<string, boolean>>(new Map())
  const [outcomes, setOutcomes] = useState<ReadonlyMap<string, Outcome>>(new Map())
  const [isWorking, setWorking] = useState(false)
  const client = useQueryClient()
  const text = useDeferredValue(draft.text)
  const { hosts, unread } = useMemo(() => readHosts(text), [text])
  const known = useFleet(hosts)
  const isChosen = (host: ImportedHost) =>
    !known.byName.has(host.name) &&
    (choices.get(host.name) ?? (host.problems.length === 0 && !knownAs(known, host)))
  const chosen = hosts.filter((host) => isChosen(host) && !('commandId' in (outcomes.get(host.name) ?? {})))
  const add = async () => {
    setWorking(true)
    const queue = [...chosen]
    const work = async () => {
      for (let host = queue.shift(); host !== undefined; host = queue.shift()) {
        const { name, address, port, user, labels } = host
        const { sudoPassword } = secrets
        const outcome: Outcome = await call('addHost', {
          body: {
            name,
            address,
            port,
            user: user ?? draft.user,
            credential: credentialOf(secrets),
            ...(sudoPassword && { sudoPassword }),
            labels: { ...labels, ...toLabels(draft.labels) },
          },
        }).catch((error) => ({ error: toMessage(error) }))
        setOutcomes((now) => new Map(now).set(name, outcome))
      }
    }
    await Promise.all(Array.from({ length: AT_ONCE }, work))
    await client.invalidateQueries({ queryKey: KEY })
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
        styles={{ input: { fontFamily: 'var(--mantine-font-family-monospace)' } }}
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
          {unread.slice(0, MAX_UNREAD).map(({ line, text, reason }) => (
            <div key={`${line} ${reason}`}>
              {line > 0 && `${line}: `}
              <Untrusted>{text.slice(0, 200)}</Untrusted> {reason}
            </div>
          ))}
          {unread.length > MAX_UNREAD && t('addHosts.moreUnread', { count: unread.length - MAX_UNREAD })}
        </Alert>
      )}
      {hosts.length > 0 && (
        <TableScroll minWidth={520}>
          <Table>
            <Table.Thead>
              <Table.Tr>
                <ActionsHead />
                <Table.Th>{t('addHost.name')}</Table.Th>
                <Table.Th>{t('addHost.address')}</Table.Th>
                <Table.Th>{t('addHost.user')}</Table.Th>
                <Table.Th>{t('addHost.labels')}</Table.Th>
                <Table.Th>{t('addHosts.outcome')}</Table.Th>
              </Table.Tr>
            </Table.Thead>
            <Table.Tbody>
              {hosts.slice(0, MAX_ROWS).map((host) => {
                const { name, address, port, user, labels, problems, notes } = host
                const outcome = outcomes.get(name)
                const there = knownAs(known, host)
                return (
                  <Table.Tr key={name}>
                    <Table.Td>
                      <Checkbox
                        aria-label={name}
                        checked={isChosen(host)}
                        disabled={known.byName.has(name)}
                        onChange={(event) =>
                          setChoices(new Map(choices).set(name, event.currentTarget.checked))
                        }
                      />
                    </Table.Td>
                    <Table.Td>{name}</Table.Td>
                    <Table.Td>{port === 22 ? address : `${address}:${port}`}</Table.Td>
                    <Table.Td>{user ?? draft.user}</Table.Td>
                    <Table.Td>
                      <Labels labels={{ ...labels, ...toLabels(draft.labels) }} />
                    </Table.Td>
                    <Table.Td>
                      {there && <InFleet host={there} pastedAs={name} />}
                      {!outcome &&
                        !there &&
                        problems.map((problem) => <ProblemText key={problem.code} problem={problem} />)}
                      {!outcome &&
                        !there &&
                        notes.map((note) => <Text key={note}>{t(`addHosts.note.${note}`)}</Text>)}
                      {outcome && 'error' in outcome && <Text c="red">{outcome.error}</Text>}
                      {!there && outcome && 'commandId' in outcome && (
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
        </TableScroll>
      )}
      <Group>
        <Button onClick={add} loading={isWorking} disabled={chosen.length === 0}>
          {t('addHosts.add', { count: chosen.length })}
        </Button>
      </Group>
    </Stack>
  )
}

const KEY = ['fleet-hosts']

/** The fleet, to see which of the pasted hosts are there already and what becomes of those that are added. */
function useFleet(hosts: readonly ImportedHost[]): KnownHosts {
  const { data } = useQuery({
    queryKey: KEY,
    queryFn: ({ signal }) => call('listHosts', {}, signal),
    enabled: hosts.length > 0,
    refetchInterval: ({ state }) => {
      const now = knownHosts(state.data?.hosts ?? [])
      return hosts.some((host) => knownAs(now, host)?.state === 'installing') ? LOOK_AGAIN_MS : false
    },
  })
  return useMemo(() => knownHosts(data?.hosts ?? []), [data])
}

/** What a pasted host is in the fleet, as it is now: installing, online, or why not. */
function InFleet({ host, pastedAs }: { host: FleetHost; pastedAs: string }) {
  const { name, state, stateReason, lastProvisioning } = host
  const isUnderWay = state === 'installing' || state === 'install_failed'
  return (
    <div data-in-fleet={name}>
      <StateBadge state={state} reason={stateReason} />{' '}
      {name !== pastedAs && `${t('addHosts.inFleetAs', { name })} `}
      {isUnderWay && lastProvisioning ? (
        <Link to="/commands/$id" params={{ id: lastProvisioning }}>
          {t('host.installLog')}
        </Link>
      ) : (
        <Link to="/hosts/$host" params={{ host: name }}>
          {t('run.open')}
        </Link>
      )}
      {state === 'install_failed' && stateReason && (
        <Text size="xs" c="dimmed">
          <Untrusted>{stateReason}</Untrusted>
        </Text>
      )}
    </div>
  )
}

/** Why a host is left unchecked. Whoever checks it all the same adds it as it is shown. */
function ProblemText({ problem: { code, detail } }: { problem: Problem }) {
  const key: MessageKey = `addHosts.problem.${code}`
  return (
    <Text c="var(--warn)">
      {t(key)} <Untrusted>{detail.slice(0, 200)}</Untrusted>
    </Text>
  )
}
