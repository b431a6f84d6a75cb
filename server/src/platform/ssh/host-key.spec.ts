import { execFileSync } from 'node:child_process'
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sshFingerprint } from '@rollcall/contracts'
import { afterAll, describe, expect, it } from 'vitest'
import { ALL_HOST_KEY_ALGORITHMS, describeHostKey, otherFamilies } from './host-key.ts'

const folder = mkdtempSync(join(tmpdir(), 'rollcall-host-key-'))
afterAll(() => rmSync(folder, { recursive: true }))

describe.each(['ed25519', 'ecdsa', 'rsa'])('the fingerprint of an %s key', (type) => {
  const path = join(folder, type)
  execFileSync('ssh-keygen', ['-q', '-t', type, '-N', '', '-f', path])
  const key = describeHostKey(Buffer.from(readFileSync(`${path}.pub`, 'utf8').split(' ')[1] ?? '', 'base64'))

  it('is what ssh-keygen prints, so a person can compare them', () => {
    expect(execFileSync('ssh-keygen', ['-l', '-f', `${path}.pub`], { encoding: 'utf8' })).toContain(
      ` ${key.fingerprint} `,
    )
    expect(sshFingerprint.safeParse(key.fingerprint).success).toBe(true)
  })

  it('is looked for among the kinds of key that it is not', () => {
    const others = otherFamilies(key.algorithm)
    expect(others).toHaveLength(2)
    expect(others.flat().some((name) => name.includes(type))).toBe(false)
  })
})

describe('host keys', () => {
  it('are never proved by SHA-1', () => {
    expect(ALL_HOST_KEY_ALGORITHMS).not.toContain('ssh-rsa')
    expect(ALL_HOST_KEY_ALGORITHMS).not.toContain('ssh-dss')
  })

  it.each([Buffer.alloc(0), Buffer.from([0, 0]), Buffer.from([255, 255, 255, 255, 1])])(
    'of garbage have no name',
    (blob) => {
      expect(describeHostKey(blob).algorithm).toBe('unknown')
    },
  )
})
