import { describe, expect, it } from 'vitest'
import { toLoginEndedError, toLoginStuckError } from './login-failure.ts'

const PLACE = { address: '192.0.2.1', port: 22, user: 'ops' }
const ENDED = { exitCode: 1, signal: null }

describe('a login that runs something else', () => {
  it.each([
    [
      'WARNING: Your password has expired.\nPassword change required but no TTY available.',
      /chage -M -1 ops/,
    ],
    ['You are required to change your password immediately (administrator enforced).', /has expired/],
    ['This account is currently not available.', /usermod --shell \/bin\/sh ops/],
    ['This service allows sftp connections only.', /ForceCommand and ChrootDirectory/],
    ['/usr/bin/fish: No such file or directory', /\/etc\/passwd/],
    ['open terminal failed: not a terminal', /login file/],
    ['', /forced command/],
  ])('a login that runs another program is reported in its words: %s', (words, remedy) => {
    const error = toLoginEndedError(PLACE, words, ENDED)
    expect(error).toMatchObject({ code: 'ssh.no_shell', message: expect.stringMatching(remedy) })
    expect(error.message).toContain(words === '' ? 'It printed nothing' : words.split('\n')[0])
    expect(error.message).toContain('exited with 1')
  })

  it('words of a login are shown without control characters, and cut to a bound', () => {
    const { message } = toLoginStuckError(PLACE, `\u001b[2J${'x'.repeat(5000)}`, 30_000)
    expect(message).not.toMatch(/\u001b/)
    expect(message.length).toBeLessThan(1500)
    expect(message).toContain('within 30 s')
  })
})
