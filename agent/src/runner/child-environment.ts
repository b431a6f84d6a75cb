import { readFileSync } from 'node:fs'
import { userInfo } from 'node:os'
import { type Login, rootLogin } from './root-login.ts'

const MAX_FILE_BYTES = 256 * 1024

/** Reads what a login on this host gives a program now. Each program gets what the host says at its start. */
export function readLogin(): Login {
  const { username, homedir, shell } = userInfo()
  return rootLogin(readHostFile, { username, homedir, shell })
}

/**
 * Makes the environment of a program: what a login has, and what the caller gave, which wins. Nothing of the runner's own: its
 * NODE_, LISTEN_ and INVOCATION_ variables would change what the program does.
 */
export function childEnvironment(
  login: Login,
  given: Record<string, string>,
  tty: boolean,
): Record<string, string> {
  return { ...login.env, ...(tty ? { TERM: 'xterm-256color' } : {}), ...given }
}

/** Makes the environment of a process of ours: the host's own settings must not change how it works. */
export function workerEnvironment(): Record<string, string> {
  const { username, homedir } = userInfo()
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: homedir,
    USER: username,
    LANG: 'C.UTF-8',
    NODE_ENV: 'production',
  }
}

function readHostFile(path: string): string | null {
  try {
    return readFileSync(path, 'utf8').slice(0, MAX_FILE_BYTES)
  } catch {
    // A file that is not there, or cannot be read, sets nothing: a login goes on without it too.
    return null
  }
}
