import type { HostView } from '@rollcall/contracts/admin'
import type { Input } from '../../api/client.ts'
import { credentialOf, NO_SECRETS, type Secrets } from './credential-fields.tsx'

/** How a host is reached, as it stands in the form. */
export interface HostEdit {
  address: string
  port: number
  user: string
  hostKey: string
  /** Empty to leave the agent where it is. */
  agentPorts: string
  secrets: Secrets
  forgetsSudo: boolean
  skipCheck: boolean
  allowDuplicate: boolean
}

export const editOf = ({ address, port, user, hostKey }: HostView): HostEdit => ({
  address,
  port,
  user,
  hostKey: hostKey ?? '',
  agentPorts: '',
  secrets: NO_SECRETS,
  forgetsSudo: false,
  skipCheck: false,
  allowDuplicate: false,
})

type Change = NonNullable<Input<'changeHost'>['body']>

/** What the form changes of a host: nothing of what is left as it is. Null where that is all of it. */
export function toChange(host: HostView, edit: HostEdit): Change | null {
  const { secrets } = edit
  const [address, user, hostKey] = [edit.address.trim(), edit.user.trim(), edit.hostKey.trim()]
  const hasCredential = (secrets.type === 'password' ? secrets.password : secrets.privateKey) !== ''
  const sudoPassword = edit.forgetsSudo ? null : secrets.sudoPassword || undefined
  const change: Change = {
    ...(address !== host.address && { address }),
    ...(edit.port !== host.port && { port: edit.port }),
    ...(user !== host.user && { user }),
    ...(hostKey !== (host.hostKey ?? '') && { hostKey }),
    ...(edit.agentPorts.trim() !== '' && { agentPorts: edit.agentPorts.trim() }),
    ...(hasCredential && { credential: credentialOf(secrets) }),
    ...(sudoPassword !== undefined && { sudoPassword }),
  }
  if (Object.keys(change).length === 0) return null
  return {
    ...change,
    ...(edit.skipCheck && { skipCheck: true }),
    ...(edit.allowDuplicate && { allowDuplicate: true }),
  }
}
