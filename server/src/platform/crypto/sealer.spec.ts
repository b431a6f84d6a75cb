import { randomBytes } from 'node:crypto'
import { describe, expect, it } from 'vitest'
import { Sealer } from './sealer.ts'

const sealer = new Sealer(randomBytes(32))

describe('Sealer', () => {
  it('a sealed value is opened again, and is different each time', () => {
    const [first, second] = [sealer.seal('secret', 'a'), sealer.seal('secret', 'a')]
    expect(sealer.open(first, 'a')).toBe('secret')
    expect(Buffer.from(first).equals(Buffer.from(second))).toBe(false)
    expect(Buffer.from(first).includes('secret')).toBe(false)
  })

  it('a sealed value is not opened with another key, in another place, or altered', () => {
    const sealed = sealer.seal('secret', 'host/1')
    const wrong = { code: 'server.master_key_wrong' }
    expect(() => new Sealer(randomBytes(32)).open(sealed, 'host/1')).toThrow(expect.objectContaining(wrong))
    expect(() => sealer.open(sealed, 'host/2')).toThrow(expect.objectContaining(wrong))
    for (let i = 0; i < sealed.length; i++) {
      const altered = sealed.slice()
      altered[i] = (altered[i] ?? 0) ^ 1
      expect(() => sealer.open(altered, 'host/1')).toThrow(expect.objectContaining(wrong))
    }
    expect(() => sealer.open(sealed.slice(0, 10), 'host/1')).toThrow(expect.objectContaining(wrong))
  })
})
