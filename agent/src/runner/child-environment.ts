import { userInfo } from 'node:os'

const PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'

/**
 * What a program finds in its environment: a small fixed set and what the caller gave, which wins. Nothing of the runner's
 * own: its NODE_, LISTEN_ and INVOCATION_ variables would change what the program does.
 */
export function childEnvironment(given: Record<string, string>, tty: boolean): Record<string, string> {
  const { username, homedir, shell } = userInfo()
  return {
    PATH,
    HOME: homedir,
    USER: username,
    LOGNAME: username,
    SHELL: shell ?? '/bin/sh',
    LANG: 'C.UTF-8',
    ...(tty ? { TERM: 'xterm-256color' } : {}),
    ...given,
  }
}
