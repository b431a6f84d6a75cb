import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { type Login, rootLogin } from './root-login.ts'

const MAX_FILE_BYTES = 256 * 1024

/** Reads the environment and umask that a login on this host gives a program at present. */
export function readLogin(): Login {
  const { username, homedir, shell } = userInfo()
  return rootLogin(readHostFile, { username, homedir, shell })
}

/**
 * Builds a program's environment: that of a login, overridden by the caller's variables. The runner's own NODE_, LISTEN_ and INVOCATION_
 * variables would change what the program does.
 */
export function childEnvironment(
  login: Login,
  given: Record<string, string>,
  tty: boolean,
): Record<string, string> {
  return { ...login.env, ...(tty ? { TERM: 'xterm-256color' } : {}), ...given }
}

function readHostFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').slice(0, MAX_FILE_BYTES)
  } catch {
    // A missing or unreadable file sets nothing, as in a login.
    return null
  }
}
