import { describe, expect, test } from 'vitest'
import { applyVariables, parseLoginDefs, rootLogin, sessionModules } from './root-login.ts'

const ROOT = { username: 'root', homedir: '/root', shell: '/bin/bash' }
const host = (files: Record<string, string>) => (path: string) => files[path] ?? null
const login = (files: Record<string, string>) => rootLogin(host(files), ROOT)

const ENV_LINES =
  'session required pam_env.so # [1]\nsession required pam_env.so user_readenv=1 envfile=/etc/default/locale\n'
const UMASK_STACK = {
  '/etc/pam.d/sshd': '@include common-auth\n@include common-session\n',
  '/etc/pam.d/common-session': 'session optional\tpam_umask.so\n',
}

describe('a login of root', () => {
  test('a login on a host without settings has umask 022, its own home, the usual path and UTF-8', () => {
    expect(login({})).toEqual({
      umask: 0o022,
      env: {
        PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
        HOME: '/root',
        USER: 'root',
        LOGNAME: 'root',
        SHELL: '/bin/bash',
        LANG: 'C.UTF-8',
      },
    })
  })

  test('a login has the umask of login.defs if PAM uses it, and 022 otherwise', () => {
    const defs = { '/etc/login.defs': 'UMASK\t\t027\n' }
    expect(login({ ...UMASK_STACK, ...defs }).umask).toBe(0o027)
    expect(login({ '/etc/pam.d/sshd': ENV_LINES, ...defs }).umask).toBe(0o022)
  })

  test.each<[string, Record<string, string>, number]>([
    [
      'of the user’s entry before the module’s',
      { '/etc/passwd': 'root:x:0:0:root,umask=077:/root:/bin/sh' },
      0o077,
    ],
    [
      'of the module before login.defs',
      { '/etc/pam.d/common-session': 'session optional pam_umask.so umask=0007 silent' },
      0o007,
    ],
    ['of /etc/default/login last', { '/etc/login.defs': '', '/etc/default/login': 'UMASK=002' }, 0o002],
    ['022 if the configured one is invalid', { '/etc/login.defs': 'UMASK 9x9' }, 0o022],
  ])('a login has the umask %s', (_what, files, umask) => {
    expect(login({ ...UMASK_STACK, '/etc/login.defs': 'UMASK 027', ...files }).umask).toBe(umask)
  })

  test('a login follows included PAM files, and stops at an include cycle', () => {
    const files = {
      '/usr/lib/pam.d/sshd': '-session substack password-auth\nsession include sshd\nauth include other\n',
      '/usr/lib/pam.d/password-auth':
        'session [success=1 default=ignore] /usr/lib64/security/pam_umask.so \\\n umask=027\n',
    }
    expect(sessionModules(host(files))?.slice(0, 1)).toEqual([{ name: 'pam_umask.so', args: ['umask=027'] }])
    expect(login(files).umask).toBe(0o027)
  })

  test('a login has the locale of the host and the variables of /etc/environment', () => {
    const { env } = login({
      '/etc/pam.d/sshd': ENV_LINES,
      '/etc/environment': 'PATH="/opt/bin:/usr/bin"\nexport http_proxy=http://proxy:3128 # for all\n',
      '/etc/default/locale': "LANG='de_DE.UTF-8'\n",
    })
    expect(env).toMatchObject({
      PATH: '/opt/bin:/usr/bin',
      http_proxy: 'http://proxy:3128',
      LANG: 'de_DE.UTF-8',
    })
  })

  test('a login takes only the locale from /etc/locale.conf', () => {
    const { env } = login({ '/etc/locale.conf': 'LANG=fr_FR.UTF-8\nLC_TIME=C\nLD_PRELOAD=/x\n' })
    expect(env).toMatchObject({ LANG: 'fr_FR.UTF-8', LC_TIME: 'C' })
    expect(env).not.toHaveProperty('LD_PRELOAD')
  })

  test('a login has the path that login.defs gives root', () => {
    expect(login({ '/etc/login.defs': 'ENV_SUPATH PATH=/sbin:/bin:/opt/x\n' }).env.PATH).toBe(
      '/sbin:/bin:/opt/x',
    )
  })

  test('a login ignores a file that PAM does not read', () => {
    const files = { '/etc/pam.d/sshd': 'session required pam_env.so readenv=0', '/etc/environment': 'A=1' }
    expect(login(files).env).not.toHaveProperty('A')
  })
})

test('an environment file is parsed as by pam_env, up to the maximum of variables', () => {
  const env: Record<string, string> = { GONE: 'x' }
  applyVariables(env, '# note\nA=b c \nexport Q="x y"\nGONE=\nno value\n1X=2\nE=a=b\n')
  expect(env).toEqual({ A: 'b c', Q: 'x y', E: 'a=b' })
  applyVariables(env, Array.from({ length: 1000 }, (_, i) => `V${i}=1`).join('\n'))
  expect(Object.keys(env)).toHaveLength(256)
})

test('login.defs is parsed with comments and tabs', () => {
  expect(parseLoginDefs('# UMASK 077\nUMASK\t\t022 # note\nENV_SUPATH\tPATH=/a:/b\n')).toEqual({
    UMASK: '022',
    ENV_SUPATH: 'PATH=/a:/b',
  })
})
