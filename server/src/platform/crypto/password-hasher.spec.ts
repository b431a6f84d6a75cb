import { describe, expect, it } from 'vitest'
import { PasswordHasher } from './password-hasher.ts'

const CHEAP = { N: 2, r: 1, p: 1 }
const PASSWORD = 'correct horse battery'

describe('passwords', () => {
  it('a password is hashed at the cost that OWASP names, and verified by its hash', async () => {
    const passwords = new PasswordHasher()
    const hash = await passwords.hash(PASSWORD)
    expect(hash).toMatch(/^scrypt\$32768\$8\$3\$[\w-]{22}\$[\w-]{43}$/)
    expect(await passwords.verify(PASSWORD, hash)).toBe(true)
    expect(await passwords.verify(`${PASSWORD}!`, hash)).toBe(false)
  })

  it('a hash of another cost is verified at its own cost', async () => {
    const hash = await new PasswordHasher(CHEAP).hash(PASSWORD)
    expect(hash).toMatch(/^scrypt\$2\$1\$1\$/)
    expect(await new PasswordHasher().verify(PASSWORD, hash)).toBe(true)
    expect(await new PasswordHasher().verify('another password', hash)).toBe(false)
  })

  it('no password fits a user without a hash', async () => {
    expect(await new PasswordHasher(CHEAP).verify('', null)).toBe(false)
    expect(await new PasswordHasher(CHEAP).verify(PASSWORD, null)).toBe(false)
  })

  it('sign-ins beyond those that work and wait are refused', async () => {
    const passwords = new PasswordHasher(CHEAP)
    const outcomes = await Promise.allSettled(Array.from({ length: 60 }, () => passwords.hash(PASSWORD)))
    const refused = outcomes.flatMap((each) => (each.status === 'rejected' ? [each.reason.code] : []))
    expect(refused).toEqual(Array(8).fill('server.overloaded'))
  })
})
