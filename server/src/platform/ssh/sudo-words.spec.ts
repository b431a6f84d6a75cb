import { describe, expect, it } from 'vitest'
import { parseSudoMessage, type SudoMessage } from './sudo-words.ts'

const SAID: [string, keyof SudoMessage][] = [
  ['sudo: a password is required\n', 'needsPassword'],
  ['sudo: interactive authentication is required\n', 'needsPassword'],
  ['sudo: sorry, you must have a tty to run sudo\n', 'needsTerminal'],
  ['env: ‘sudo’: No such file or directory\n', 'isMissing'],
  ["env: 'sudo': No such file or directory\n", 'isMissing'],
  ['Sorry, try again.\n[sudo] password for ops: \n', 'isAskedAgain'],
  ['sudo: Authentication failed, try again.\n', 'isAskedAgain'],
  ['ops is not in the sudoers file.\n', 'isForbidden'],
  ['Sorry, user ops is not allowed to execute ‘/usr/bin/sh’ as root on web-1.\n', 'isForbidden'],
  ['Sorry, user ops may not run sudo on web-1.\n', 'isForbidden'],
  ["sudo: I'm sorry ops. I'm afraid I can't do that\n", 'isForbidden'],
  ['sudo: Account expired or PAM config lacks an "account" section for sudo\n', 'isExpired'],
  ['sudo: Account or password is expired, reset your password and try again\n', 'isExpired'],
]

describe('what sudo says', () => {
  it.each(SAID)('the message of sudo is understood: %s', (text, meaning) => {
    expect(parseSudoMessage(text)[meaning]).toBe(true)
  })

  it('means nothing where it says nothing', () => {
    expect(Object.values(parseSudoMessage('')).some(Boolean)).toBe(false)
  })
})
