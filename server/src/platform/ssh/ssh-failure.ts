import { RollcallError, sanitizeText } from '@rollcall/contracts'
import type { HostKey } from './host-key.ts'

/** Whom we talk to, for messages: no secret in it. */
export interface SshPlace {
  address: string
  port: number
  user: string
}

export const describePlace = ({ address, port }: { address: string; port: number }): string =>
  address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`

interface Reason {
  what: string
  remedy: string
}

const SOCKET_REASONS: Record<string, Reason> = {
  ECONNREFUSED: {
    what: 'refused the connection',
    remedy: 'Check that sshd runs there and listens on this port.',
  },
  ETIMEDOUT: {
    what: 'did not answer',
    remedy: 'Check the address, and that no firewall drops connections from this server.',
  },
  EHOSTUNREACH: {
    what: 'has no host behind it',
    remedy: 'Check that the host is on and the address is right.',
  },
  ENETUNREACH: {
    what: 'is in a network that this server has no route to',
    remedy: "Check this server's routes.",
  },
  ENOTFOUND: {
    what: 'is a name that DNS does not know',
    remedy: 'Check the spelling, or use the IP address.',
  },
  EAI_AGAIN: {
    what: 'could not be looked up in DNS',
    remedy: 'Check the name server of this server, or use the IP address.',
  },
  ECONNRESET: {
    what: 'closed the connection before it said who it is',
    remedy: 'sshd may be overloaded (MaxStartups) or refuse this server (fail2ban, hosts.deny): see its log.',
  },
}

/** The TCP connection or the SSH handshake did not come about. Nothing was sent but our greeting. */
export function unreachable(place: SshPlace, cause: unknown): RollcallError {
  const code = errorCode(cause)
  const reason = code ? SOCKET_REASONS[code] : undefined
  const said = reason ? `${reason.what} (${code})` : `could not be spoken to over SSH: ${errorText(cause)}`
  const remedy = reason?.remedy ?? 'Check that an SSH server answers there.'
  return new RollcallError('ssh.unreachable', `${describePlace(place)} ${said}. ${remedy}`, { cause })
}

/** An established session broke. What was running may go on there. */
export function connectionLost(place: SshPlace, during: string, cause?: unknown): RollcallError {
  const detail = cause === undefined ? '' : ` (${errorText(cause)})`
  return new RollcallError(
    'ssh.connection_lost',
    `The SSH connection to ${describePlace(place)} broke while ${during}${detail}. Try again: what was begun is found and finished or replaced.`,
    { outcome: 'unknown', cause },
  )
}

export function keyChanged(place: SshPlace, pinned: string, seen: HostKey): RollcallError {
  return new RollcallError(
    'host.key_changed',
    `${describePlace(place)} shows another SSH host key than the one trusted: ${seen.fingerprint} (${seen.algorithm}) instead of ${pinned}. ` +
      'Nothing was sent. If the host was reinstalled, compare with "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" on its console, ' +
      `and where it is the same: rollcall host set NAME --host-key ${seen.fingerprint}. If not, somebody may be between this server and the host.`,
  )
}

export function authFailed(
  place: SshPlace,
  tried: readonly string[],
  offered: readonly string[] | undefined,
): RollcallError {
  const accepts = offered?.length
    ? offered.map((method) => sanitizeText(method, 40)).join(', ')
    : 'nothing further'
  const attempt = tried.length ? `after ${tried.join(', ')}` : 'before anything could be tried'
  return new RollcallError(
    'ssh.auth_failed',
    `${describePlace(place)} refused user ${place.user} ${attempt}; it accepts ${accepts}. ` +
      'Check user, password or key, ~/.ssh/authorized_keys and its permissions there, and PermitRootLogin, PasswordAuthentication and AllowUsers in sshd_config.',
  )
}

export const errorText = (error: unknown): string =>
  sanitizeText(error instanceof Error ? error.message : String(error), 300)

function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}
