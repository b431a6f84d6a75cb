/** One check that the server made before it changed anything on a host. */
export interface PreflightLine {
  name: string
  isOk: boolean
  /** The finding, and what to do about it if it failed. Partly the host's own words. */
  message: string
}

const CHECK = /^ {2}(ok {2}|FAIL) {2}([^:]+): (.*)$/

/**
 * The preflight results out of the beginning of an installation's output. Only the first unbroken row of them counts: what
 * programs on the host write later cannot pass for one.
 */
export function preflightLines(text: string): PreflightLine[] {
  const checks: PreflightLine[] = []
  for (const line of text.split('\n')) {
    const [, sign, name, message] = CHECK.exec(line) ?? []
    if (name && message !== undefined) checks.push({ name, isOk: sign === 'ok  ', message })
    else if (checks.length > 0) break
  }
  return checks
}
