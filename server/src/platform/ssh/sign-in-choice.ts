export type SignInMethod = 'publickey' | 'password' | 'keyboard-interactive'

/** A method that was tried, and whether the host took it, asking for another besides. */
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
 * Chooses what to try next. A secret that was refused is not tried again, in no way: a second attempt could only lock the
 * account. One that was accepted may be asked for once more in another way. Returns undefined when nothing is left.
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
    return 'It took the key and asks for a password besides: give both for this host (--key and --password-stdin).'
  if (last?.isAccepted && !hasKey && wants('publickey'))
    return 'It took the password and asks for a key besides: give both for this host (--key and --password-stdin).'
  if (last?.isAccepted && last.method === 'publickey' && wants('publickey'))
    return 'It took the key and asks for another one besides, which Rollcall does not give: let this user sign in by one key, or by a key and a password (AuthenticationMethods in its sshd_config).'
  if (!hasKey && tried.length === 0 && wants('publickey'))
    return 'It takes keys and no passwords: give a private key whose public half is in ~/.ssh/authorized_keys there.'
  if (!hasPassword && tried.length === 0)
    return 'It takes no keys: give a password, or allow PubkeyAuthentication in its sshd_config.'
  return 'Check user, password or key, ~/.ssh/authorized_keys and its permissions there, that the account is neither locked nor expired (passwd --status, chage --list), and PermitRootLogin, PasswordAuthentication, AuthenticationMethods, AllowUsers and TrustedUserCAKeys in sshd_config.'
}
