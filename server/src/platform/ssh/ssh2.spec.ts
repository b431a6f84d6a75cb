import { createRequire } from 'node:module'
import { expect, it } from 'vitest'
import { ssh2 } from './ssh2.ts'

it('the ssh2 package takes packets as large as OpenSSH does, whoever loads it', () => {
  const { NullDecipher } = createRequire(import.meta.url)('ssh2/lib/protocol/crypto.js')
  const take = (length: number) => {
    const head = Buffer.alloc(4)
    head.writeUInt32BE(length)
    new NullDecipher(0, () => undefined).decrypt(head, 0, head.length)
  }
  expect(() => take(200_004)).not.toThrow()
  expect(() => take(1_000_004)).toThrow('Bad packet length')
  expect(createRequire(import.meta.url)('ssh2')).toBe(ssh2)
})
