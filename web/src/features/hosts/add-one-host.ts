import { fieldErrors } from '@rollcall/contracts'
import { newHost } from '@rollcall/contracts/admin'
import { call } from '../../api/client.ts'
import { isOfAnother, NO_SECRETS, toCredential, toLabels } from './credential.ts'
import type { PreflightLine } from './preflight-lines.ts'

export const NEW_HOST = {
  ...NO_SECRETS,
  name: '',
  address: '',
  port: 22 as number | string,
  user: 'root',
  labels: '',
  agentPorts: '',
  /** Takes the machine, or its agent, though it is another host's. */
  takeOver: false,
}
export type NewHostValues = typeof NEW_HOST

/** The key that an address has shown, for a person to compare. */
export interface SeenKey {
  address: string
  algorithm: string
  fingerprint: string
}

type Step =
  | { is: 'key-shown'; key: SeenKey }
  | { is: 'not-ready'; checks: PreflightLine[]; isOfAnother: boolean }
  | { is: 'added'; commandId: string }

const toPlace = ({ address, port }: NewHostValues) => ({ address: address.trim(), port: Number(port) })
export const addressOf = (values: NewHostValues) => JSON.stringify(toPlace(values))

function toNewHost(values: NewHostValues) {
  const { sudoPassword, agentPorts } = values
  return {
    ...toPlace(values),
    name: values.name.trim(),
    user: values.user.trim(),
    labels: toLabels(values.labels),
    credential: toCredential(values),
    ...(sudoPassword && { sudoPassword }),
    ...(agentPorts.trim() && { agentPorts: agentPorts.trim() }),
  }
}

/** Returns all that is missing, by field of the request, before anything is asked of the host. */
export function missingIn(values: NewHostValues): Record<string, string> {
  const parsed = newHost.safeParse(toNewHost(values))
  if (parsed.success) return {}
  return Object.fromEntries(fieldErrors(parsed.error.issues).map(({ field, message }) => [field, message]))
}

/** Takes the next step: shows the host key, or, where that was confirmed, checks the host and adds it. Nothing secret leaves before. */
export async function addOneHost(values: NewHostValues, confirmed: SeenKey | undefined): Promise<Step> {
  if (!confirmed) {
    const key = await call('scanHostKey', { body: toPlace(values) })
    return { is: 'key-shown', key: { ...key, address: addressOf(values) } }
  }
  const { name, labels, agentPorts, ...connection } = toNewHost(values)
  const checked = {
    ...connection,
    hostKey: confirmed.fingerprint,
    ...(values.takeOver && { allowDuplicate: true, takeOver: true }),
  }
  const { isReady, checks } = await call('checkHost', { body: checked })
  if (!isReady)
    return {
      is: 'not-ready',
      checks: checks.map(({ name, ok, message }) => ({ name, isOk: ok, message })),
      isOfAnother: values.takeOver || checks.some(({ ok, code }) => !ok && isOfAnother(code)),
    }
  const { commandId } = await call('addHost', {
    body: { ...checked, name, labels, ...(agentPorts && { agentPorts }) },
  })
  return { is: 'added', commandId }
}
