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

  it('the fingerprint of a host key is what ssh-keygen prints', () => {
    expect(execFileSync('ssh-keygen', ['-l', '-f', `${path}.pub`], { encoding: 'utf8' })).toContain(
      ` ${key.fingerprint} `,
    )
    expect(sshFingerprint.safeParse(key.fingerprint).success).toBe(true)
  })

  it('a pinned host key is requested before other kinds', () => {
    const others = otherFamilies(key.algorithm)
    expect(others).toHaveLength(2)
    expect(others.flat().some((name) => name.includes(type))).toBe(false)
  })
})

describe('host keys', () => {
  it('host keys are never proved with SHA-1', () => {
    expect(ALL_HOST_KEY_ALGORITHMS).not.toContain('ssh-rsa')
    expect(ALL_HOST_KEY_ALGORITHMS).not.toContain('ssh-dss')
  })

  it.each([Buffer.alloc(0), Buffer.from([0, 0]), Buffer.from([255, 255, 255, 255, 1])])(
    'garbage as a host key has no algorithm',
    (blob) => {
      expect(describeHostKey(blob).algorithm).toBe('unknown')
    },
  )
})
