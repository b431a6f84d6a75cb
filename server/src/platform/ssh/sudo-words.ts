/** The messages of sudo in the C locale; sudo-rs words some of them differently. */
export interface SudoWords {
  isMissing: boolean
  needsTerminal: boolean
  needsPassword: boolean
  /** The password was wrong. */
  isAskedAgain: boolean
  /** Who signs in may not, whatever the password. */
  isForbidden: boolean
  /** The password or the account of who signs in has expired. */
  isExpired: boolean
}

export function wordsOfSudo(text: string): SudoWords {
  const says = (pattern: RegExp) => pattern.test(text)
  return {
    isMissing: says(/command not found|sudo.{0,3}: (not found|No such file)|exec: sudo/i),
    needsTerminal: says(/must have a tty|tty is required|terminal is required to (run|use) sudo/i),
    needsPassword: says(
      /password is required|interactive authentication is required|authentication is required|a password/i,
    ),
    isAskedAgain: says(/try again|incorrect password|incorrect authentication|Authentication fail/i),
    isForbidden: says(
      /not in the sudoers|not allowed to|may not run|I'm sorry |I’m afraid I can|is not permitted|not permitted to/i,
    ),
    isExpired: says(
      /(account|password).{0,30}(expired|validation failure)|change your password|account validation failure/i,
    ),
  }
}
