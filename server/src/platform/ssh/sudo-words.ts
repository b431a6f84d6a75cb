/** The meaning of sudo's messages in the C locale, including those of sudo-rs. */
export interface SudoMessage {
  isMissing: boolean
  needsTerminal: boolean
  needsPassword: boolean
  /** The password was wrong. */
  isAskedAgain: boolean
  /** The user may not use sudo, whatever the password. */
  isForbidden: boolean
  /** The user's password or account has expired. */
  isExpired: boolean
}

export function parseSudoMessage(text: string): SudoMessage {
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
