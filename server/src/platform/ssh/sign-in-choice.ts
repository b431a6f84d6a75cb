export type SignInMethod = 'publickey' | 'password' | 'keyboard-interactive'

/** A method that was tried, and whether the host accepted it but required another one too. */
export interface TriedMethod {
  method: SignInMethod
  isAccepted: boolean
}

export interface SignInView {
  /** The methods that the host would accept next. */
  offered: readonly string[]
  hasKey: boolean
  hasPassword: boolean
  tried: readonly TriedMethod[]
}

const METHODS: readonly SignInMethod[] = ['publickey', 'password', 'keyboard-interactive']

/**
 * Chooses the method to try next. A refused secret is not tried again by any method, which could lock the account; an
 * accepted one may be requested again by another method. Returns undefined if none is left. Pure.
 */
export function chooseMethod({ offered, hasKey, hasPassword, tried }: SignInView): SignInMethod | undefined {
  return METHODS.find((method) => {
    if (!offered.includes(method) || tried.some((one) => one.method === method)) return false
    if (method === 'publickey') return hasKey
    const isRefused = tried.some((one) => one.method !== 'publickey' && !one.isAccepted)
    return hasPassword && !isRefused
  })
}

/** Returns the remedy for a refused sign-in; the first that matches. */
export function signInRemedy(view: SignInView): string {
  const { offered, hasKey, hasPassword, tried } = view
  const last = tried.at(-1)
  const wants = (method: SignInMethod) => offered.includes(method)
  if (last?.isAccepted && !hasPassword && (wants('password') || wants('keyboard-interactive')))
    return 'It accepted the key and also requires a password: set both for this host (--key and --password-stdin).'
  if (last?.isAccepted && !hasKey && wants('publickey'))
    return 'It accepted the password and also requires a key: set both for this host (--key and --password-stdin).'
  if (last?.isAccepted && last.method === 'publickey' && wants('publickey'))
    return 'It accepted the key and requires another one, which Rollcall does not support: allow this user to sign in with one key, or with a key and a password (AuthenticationMethods in its sshd_config).'
  if (!hasKey && tried.length === 0 && wants('publickey'))
    return 'It accepts keys but no passwords: set a private key whose public half is in ~/.ssh/authorized_keys on the host.'
  if (!hasPassword && tried.length === 0)
    return 'It accepts no keys: set a password, or enable PubkeyAuthentication in its sshd_config.'
  return 'Check the user, password or key, ~/.ssh/authorized_keys and its permissions on the host, that the account is neither locked nor expired (passwd --status, chage --list), and PermitRootLogin, PasswordAuthentication, AuthenticationMethods, AllowUsers and TrustedUserCAKeys in sshd_config.'
}
