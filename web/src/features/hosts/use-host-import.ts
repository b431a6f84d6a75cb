import type { NewHostInput } from '@rollcall/contracts/admin'
import { forEachOf } from '@rollcall/contracts/client'
import { type ImportedHost, readHosts } from '@rollcall/inventory'
import { useDeferredValue, useMemo, useState } from 'react'
import { call } from '../../api/client.ts'
import { useAnswer } from '../../api/use-answer.ts'
import { toMessage } from '../../ui/states.tsx'
import { useRequestForm } from '../../ui/use-request-form.ts'
import { NO_SECRETS, toCredential, toLabels } from './credential.ts'
import { type KnownHosts, knownAs, knownHosts } from './known-hosts.ts'

/** The outcome of the request to add a host. The state of the host itself comes with the fleet. */
export type Outcome = { commandId: string } | { error: string }

/** While hosts are being installed. */
const REFRESH_MS = 2000
const AT_ONCE = 4

// What is pasted may hold passwords: it is kept in this page's memory alone.
const IMPORT = { ...NO_SECRETS, text: '', user: 'root', labels: '' }
export type HostImport = typeof IMPORT

function toRequest(host: ImportedHost, values: HostImport): NewHostInput {
  const { name, address, port, user, labels } = host
  const { sudoPassword } = values
  return {
    name,
    address,
    port,
    user: user ?? values.user,
    credential: toCredential(values),
    ...(sudoPassword && { sudoPassword }),
    labels: { ...labels, ...toLabels(values.labels) },
  }
}

/** Reads pasted text as hosts, and adds those that are chosen. One that is refused stops no other. */
export function useHostImport() {
  /** Hosts that were checked or unchecked by hand; the others are chosen as they were read. */
  const [choices, setChoices] = useState<ReadonlyMap<string, boolean>>(new Map())
  const [outcomes, setOutcomes] = useState<ReadonlyMap<string, Outcome>>(new Map())
  const hostImport = useRequestForm({
    initialValues: IMPORT,
    isDone: () => false,
    invalidates: ['listHosts'],
    send: (values): Promise<void> =>
      forEachOf(chosen, AT_ONCE, async (host) => {
        const outcome: Outcome = await call('addHost', { body: toRequest(host, values) }).catch((error) => ({
          error: toMessage(error),
        }))
        setOutcomes((now) => new Map(now).set(host.name, outcome))
      }),
  })
  const text = useDeferredValue(hostImport.form.values.text)
  const { hosts, unread } = useMemo(() => readHosts(text), [text])
  const known = useKnownHosts(hosts)
  const isChosen = (host: ImportedHost) =>
    !known.byName.has(host.name) &&
    (choices.get(host.name) ?? (host.problems.length === 0 && !knownAs(known, host)))
  const chosen: readonly ImportedHost[] = hosts.filter(
    (host) => isChosen(host) && !('commandId' in (outcomes.get(host.name) ?? {})),
  )
  const choose = (name: string, isOn: boolean) => setChoices(new Map(choices).set(name, isOn))
  return { hostImport, hosts, unread, known, outcomes, chosen, isChosen, choose }
}

/** Reads the fleet, to see which of the pasted hosts are there already and what becomes of those that are added. */
function useKnownHosts(hosts: readonly ImportedHost[]): KnownHosts {
  const isInstalling = (now: KnownHosts) => hosts.some((host) => knownAs(now, host)?.state === 'installing')
  const { data } = useAnswer(
    'listHosts',
    {},
    {
      enabled: hosts.length > 0,
      refetchInterval: ({ state }) =>
        isInstalling(knownHosts(state.data?.hosts ?? [])) ? REFRESH_MS : false,
    },
  )
  return useMemo(() => knownHosts(data?.hosts ?? []), [data])
}
