import { RollcallError } from '@rollcall/contracts'
import { describe, expect, it } from 'vitest'
import { describeSftpFailure } from './sftp-upload.ts'

const refused = (message: string) =>
  new RollcallError('ssh.no_session', 'a session was refused', { cause: new Error(message) })

describe('why SFTP is not used', () => {
  it.each([
    ['it is not offered', false, refused('Unable to start subsystem: sftp'), /offers no SFTP/],
    [
      'a login file prints into it',
      false,
      new Error('Packet length 1466723683 exceeds max length of 262144'),
      /login file/,
    ],
    ['something else speaks there', false, new Error('Expected VERSION packet, got 101'), /login file/],
    [
      'its server ends at once',
      false,
      new Error('Received exit code 1 while establishing SFTP session'),
      /does not start .*exit code 1/,
    ],
    ['its server says nothing', true, new DOMException('timed out', 'TimeoutError'), /does not respond/],
  ])('the reason against SFTP is recognised: %s', (_what, isLate, error, words) => {
    expect(describeSftpFailure(isLate, error)).toMatch(words)
  })
})
