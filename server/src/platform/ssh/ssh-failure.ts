import { RollcallError, sanitizeText } from '@rollcall/contracts'
import type { HostKey } from './host-key.ts'
import { type SignInView, signInRemedy } from './sign-in-choice.ts'

/** The endpoint and user of a connection, for messages; contains no secret. */
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
    remedy: 'Check that sshd is running and listens on this port.',
  },
  ETIMEDOUT: {
    what: 'did not respond',
    remedy: 'Check the address, and that no firewall drops connections from this server.',
  },
  EHOSTUNREACH: {
    what: 'is not assigned to a reachable host',
    remedy: 'Check that the host is on and the address is right.',
  },
  ENETUNREACH: {
    what: 'is in a network without a route from this server',
    remedy: "Check this server's routes.",
  },
  ENOTFOUND: {
    what: 'is unknown to DNS',
    remedy: 'Check the spelling, or use the IP address.',
  },
  EAI_AGAIN: {
    what: 'could not be resolved by DNS',
    remedy: 'Check the name server of this server, or use the IP address.',
  },
  ECONNRESET: {
    what: 'closed the connection before identifying itself',
    remedy: 'sshd may be overloaded (MaxStartups) or refuse this server (fail2ban, hosts.deny): see its log.',
  },
}

/** Tells by what sshd writes in place of its identification why it turns a connection away before any handshake. */
const TURNED_AWAY: readonly (Reason & { pattern: RegExp })[] = [
  {
    pattern: /^Not allowed at this time/,
    what: 'turns connections from this server away for a while, as recent ones failed to sign in (PerSourcePenalties)',
    remedy:
      'Try again when the penalty has passed (15 s to 10 min), or exempt this server in its sshd_config: PerSourcePenaltyExemptList ADDRESS.',
  },
  {
    pattern: /^Exceeded MaxStartups/,
    what: 'turned the connection away, as too many others are signing in (MaxStartups)',
    remedy: 'Try again, or raise MaxStartups in its sshd_config.',
  },
]

/**
 * Returns the error for a failed TCP connection or SSH handshake; nothing but a greeting was sent. `greeting` is what
 * the host wrote first.
 */
export function toUnreachableError(place: SshPlace, cause: unknown, greeting = ''): RollcallError {
  const away = TURNED_AWAY.find(({ pattern }) => pattern.test(greeting))
  if (away)
    return new RollcallError('ssh.unreachable', `${describePlace(place)} ${away.what}. ${away.remedy}`, {
      cause,
    })
  const code = errorCode(cause)
  const reason = code ? SOCKET_REASONS[code] : undefined
  const said = reason ? `${reason.what} (${code})` : `did not complete the SSH handshake: ${errorText(cause)}`
  const isTooLong = /bad packet length/i.test(errorText(cause))
  const remedy = isTooLong
    ? 'If the file that Banner names in its sshd_config is longer than 250 KB, shorten it.'
    : (reason?.remedy ?? 'Check that an SSH server is running there.')
  return new RollcallError('ssh.unreachable', `${describePlace(place)} ${said}. ${remedy}`, { cause })
}

/** Returns the error for a broken session. Running programs may continue on the host. */
export function toConnectionLostError(place: SshPlace, during: string, cause?: unknown): RollcallError {
  const detail = cause === undefined ? '' : ` (${errorText(cause)})`
  return new RollcallError(
    'ssh.connection_lost',
    `The SSH connection to ${describePlace(place)} broke while ${during}${detail}. Try again: interrupted work is detected and completed or replaced.`,
    { outcome: 'unknown', cause },
  )
}

export function toKeyChangedError(place: SshPlace, pinned: string, seen: HostKey): RollcallError {
  return new RollcallError(
    'host.key_changed',
    `${describePlace(place)} presents another SSH host key than the trusted one: ${seen.fingerprint} (${seen.algorithm}) instead of ${pinned}. ` +
      'Nothing was sent. If the host was reinstalled, compare with "ssh-keygen -lf /etc/ssh/ssh_host_ed25519_key.pub" on its console, ' +
      `and if they match: rollcall host set NAME --host-key ${seen.fingerprint}. If not, someone may be intercepting the connection.`,
  )
}

/** The attempts to sign in, and the host's answers. */
export interface RefusedSignIn {
  attempts: readonly string[]
  view: SignInView
  messages: string
}

export function toAuthFailedError(
  place: SshPlace,
  { attempts, view, messages }: RefusedSignIn,
): RollcallError {
  const offered = view.offered.map((method) => sanitizeText(method, 40)).join(', ') || 'nothing further'
  const attempt = attempts.length ? `after ${attempts.join(', then ')}` : 'before any method was tried'
  const said = sanitizeText(messages.replace(/\s+/g, ' ').trim(), 500)
  return new RollcallError(
    'ssh.auth_failed',
    `${describePlace(place)} refused user ${place.user} ${attempt}; it accepts ${offered}. ` +
      `${said && `It said: "${said}". `}${findRemedy(said) ?? signInRemedy(view)} To change how a host is reached: rollcall host set NAME --user USER --key FILE`,
  )
}

function findRemedy(said: string): string | undefined {
  if (/password.{0,40}expired|change your password|new password|must be changed/i.test(said))
    return 'The password has expired. Sign in manually and change it with passwd, then store the new one: rollcall host set NAME --password-stdin'
  if (/account.{0,20}expired|access denied/i.test(said))
    return 'The account is not allowed to sign in: check chage --list, passwd --status, pam_access and AllowUsers on the host.'
  if (/too many authentication failures/i.test(said))
    return 'Raise MaxAuthTries in its sshd_config to 2 or more.'
  if (/code|otp|token|passcode|duo|challenge/i.test(said))
    return 'Rollcall cannot enter one-time codes: allow this user to sign in with a key alone (a Match User block with AuthenticationMethods publickey).'
  return undefined
}

const ALGORITHMS: Record<string, { pattern: RegExp; offer: string; option: string }> = {
  'key exchange': {
    pattern: /no matching key exchange/i,
    offer: 'curve25519-sha256, ecdh-sha2-nistp256 and diffie-hellman-group14-sha256 or stronger',
    option: 'KexAlgorithms +curve25519-sha256',
  },
  'host key': {
    pattern: /no matching host key/i,
    offer: 'ssh-ed25519, ecdsa-sha2-nistp256, rsa-sha2-512 and rsa-sha2-256',
    option: 'HostKeyAlgorithms +ssh-ed25519,rsa-sha2-512 (and make the keys with ssh-keygen -A)',
  },
  cipher: {
    pattern: /no matching \S+ cipher/i,
    offer: 'aes128-gcm@openssh.com, aes256-gcm@openssh.com, chacha20-poly1305@openssh.com and aes256-ctr',
    option: 'Ciphers +aes256-gcm@openssh.com,aes256-ctr',
  },
  MAC: {
    pattern: /no matching \S+ MAC/i,
    offer: 'hmac-sha2-256 and hmac-sha2-512',
    option: 'MACs +hmac-sha2-256',
  },
}

/** Returns the error for a host with obsolete algorithms only; undefined if `said` is about something else. */
export function toNoAlgorithmError(place: SshPlace, said: string): RollcallError | undefined {
  const found = Object.entries(ALGORITHMS).find(([, { pattern }]) => pattern.test(said))
  return found && noSuchAlgorithm(place, found[0])
}

export function noSuchAlgorithm(place: SshPlace, what: string): RollcallError {
  const known = ALGORITHMS[what]
  const how = known
    ? ` This server accepts ${known.offer}. Add "${known.option}" to its sshd_config and restart sshd, or upgrade its OpenSSH.`
    : ''
  return new RollcallError(
    'ssh.no_algorithm',
    `${describePlace(place)} offers no ${what} algorithm that this server accepts; old ones with SHA-1 or CBC are refused.${how}`,
  )
}

export const errorText = (error: unknown): string =>
  sanitizeText(error instanceof Error ? error.message : String(error), 300)

function errorCode(error: unknown): string | undefined {
  const code = (error as { code?: unknown } | null)?.code
  return typeof code === 'string' ? code : undefined
}
