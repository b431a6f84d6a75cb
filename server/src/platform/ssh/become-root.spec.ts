import { describe, expect, it } from 'vitest'
import { asRoot, findRootAccess } from './become-root.ts'
import type { SshExecOptions } from './ssh-session.ts'

const PLACE = { address: '192.0.2.1', port: 22, user: 'ops' }

/** A host whose sudo answers as given, and what was said to it. */
function host(answers: {
  uid?: string
  ask?: [number, string]
  onTerminal?: [number, string]
  password?: [number, string]
}) {
  const calls: { argv: readonly string[]; stdin: string }[] = []
  const exec = async (argv: readonly string[], { stdin = '', onOutput }: SshExecOptions) => {
    calls.push({ argv, stdin: stdin.toString() })
    const isAsk = argv.includes('-n')
    const ask = argv[0] === 'python3' ? answers.onTerminal : answers.ask
    const [exitCode, text] =
      argv[0] === 'id' ? [0, answers.uid ?? '1000'] : ((isAsk ? ask : answers.password) ?? [0, ''])
    await onOutput?.('stderr', Buffer.from(text))
    return { exitCode, signal: null }
  }
  return { exec, calls }
}

describe('becoming root', () => {
  it('root needs no sudo', async () => {
    const { exec, calls } = host({ uid: '0\n' })
    expect(await findRootAccess(exec, PLACE, 'secret')).toEqual({ by: 'login' })
    expect(calls).toHaveLength(1)
  })

  it('a sudo that asks for no password gets none', async () => {
    const { exec, calls } = host({ ask: [0, ''] })
    expect(await findRootAccess(exec, PLACE, 'secret')).toEqual({ by: 'sudo' })
    expect(calls.some(({ stdin }) => stdin.includes('secret'))).toBe(false)
    expect(asRoot({ by: 'sudo' }, ['id'])).toEqual({ argv: ['sudo', '-n', '--', 'id'] })
  })

  it('the password for sudo is sent on standard input only, whatever the prompt', async () => {
    const { exec, calls } = host({ ask: [1, 'sudo: a password is required'], password: [0, 'First Factor:'] })
    const root = await findRootAccess(exec, PLACE, 'secret')
    expect(root).toEqual({ by: 'sudo-with-password', password: 'secret' })
    expect(asRoot(root, ['id']).argv.join(' ')).not.toContain('secret')
    expect(calls.flatMap(({ argv }) => argv).join(' ')).not.toContain('secret')
  })

  it('a sudo that requires a terminal gets one', async () => {
    const { exec, calls } = host({
      ask: [1, 'sudo: sorry, you must have a tty to run sudo'],
      onTerminal: [0, ''],
    })
    const root = await findRootAccess(exec, PLACE, undefined)
    expect(root).toEqual({ by: 'sudo', hasTerminal: true })
    expect(calls.at(-1)?.argv[0]).toBe('python3')
    expect(asRoot(root, ['id']).argv.slice(-4)).toEqual(['sudo', '-n', '--', 'id'])
    expect(asRoot(root, ['id']).argv[0]).toBe('python3')
  })

  it('a sudo that requires a terminal and a password gets both', async () => {
    const { exec } = host({
      ask: [1, 'sudo: sorry, you must have a tty to run sudo'],
      onTerminal: [1, 'sudo: a password is required'],
      password: [0, 'Password:'],
    })
    const root = await findRootAccess(exec, PLACE, 'secret')
    expect(root).toEqual({ by: 'sudo-with-password', password: 'secret', hasTerminal: true })
    expect(asRoot(root, ['id']).argv[0]).toBe('python3')
  })

  it.each<[string, string, Parameters<typeof host>[0], string | undefined]>([
    ['no sudo', 'host.no_sudo', { ask: [127, 'env: sudo: No such file or directory'] }, 'x'],
    [
      'a stranger to sudoers',
      'host.no_sudo',
      { ask: [1, 'sudo: a password is required'], password: [1, 'ops is not in the sudoers file.'] },
      'x',
    ],
    [
      'a terminal that cannot be made',
      'host.no_sudo',
      {
        ask: [1, 'sudo: sorry, you must have a tty to run sudo'],
        onTerminal: [127, 'sh: 1: exec: python3: not found'],
      },
      'x',
    ],
    [
      'an account that has expired',
      'host.no_sudo',
      {
        ask: [1, 'sudo: a password is required'],
        password: [1, 'sudo: Account or password is expired, reset your password and try again'],
      },
      'x',
    ],
    [
      'a wrong password',
      'host.sudo_password_wrong',
      { ask: [1, 'sudo: a password is required'], password: [1, 'Sorry, try again.'] },
      'x',
    ],
    [
      'no password at all',
      'host.sudo_password_wrong',
      { ask: [1, 'sudo: a password is required'] },
      undefined,
    ],
    [
      'a password of two lines',
      'host.sudo_password_wrong',
      { ask: [1, 'sudo: a password is required'] },
      'x\ny',
    ],
  ])('the failure to become root names %s', async (_what, code, answers, password) => {
    await expect(findRootAccess(host(answers).exec, PLACE, password)).rejects.toMatchObject({ code })
  })
})
