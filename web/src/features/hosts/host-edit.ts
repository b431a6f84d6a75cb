import type { HostView } from '@rollcall/contracts/admin'
import type { Input } from '../../api/client.ts'
import { NO_SECRETS, toCredential } from './credential.ts'

/** Returns the values of the form that changes how a host is reached. */
export const editOf = ({ address, port, user, hostKey }: HostView) => ({
  ...NO_SECRETS,
  address,
  port: port as number | string,
  user,
  hostKey: hostKey ?? '',
  /** Empty to leave the agent where it is. */
  agentPorts: '',
  forgetsSudo: false,
  skipCheck: false,
  allowDuplicate: false,
})
export type HostEdit = ReturnType<typeof editOf>

type Change = NonNullable<Input<'changeHost'>['body']>

/** Returns what the form changes of a host, without what is left as it is; null where nothing changes. */
export function toChange(host: HostView, edit: HostEdit): Change | null {
  const [address, user, hostKey] = [edit.address.trim(), edit.user.trim(), edit.hostKey.trim()]
  const hasCredential = (edit.type === 'password' ? edit.password : edit.privateKey) !== ''
  const sudoPassword = edit.forgetsSudo ? null : edit.sudoPassword || undefined
  const change: Change = {
    ...(address !== host.address && { address }),
    ...(Number(edit.port) !== host.port && { port: Number(edit.port) }),
    ...(user !== host.user && { user }),
    ...(hostKey !== (host.hostKey ?? '') && { hostKey }),
    ...(edit.agentPorts.trim() !== '' && { agentPorts: edit.agentPorts.trim() }),
    ...(hasCredential && { credential: toCredential(edit) }),
    ...(sudoPassword !== undefined && { sudoPassword }),
  }
  if (Object.keys(change).length === 0) return null
  return {
    ...change,
    ...(edit.skipCheck && { skipCheck: true }),
    ...(edit.allowDuplicate && { allowDuplicate: true }),
  }
}
