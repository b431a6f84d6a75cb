import { userInfo } from 'node:os'

/** Returns the environment of the programs that Rollcall itself runs: the host's settings must not change how they work. */
export function helperEnvironment(): Record<string, string> {
  const { username, homedir } = userInfo()
  return {
    PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
    HOME: homedir,
    USER: username,
    LANG: 'C.UTF-8',
    NODE_ENV: 'production',
  }
}
