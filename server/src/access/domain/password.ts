import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { RollcallError } from '@rollcall/contracts'

/** 32 MiB and three passes, from the OWASP password storage cheat sheet for scrypt. */
const COST = { N: 2 ** 15, r: 8, p: 3, maxmem: 64 * 1024 * 1024 }
const KEY_BYTES = 32
const SALT_BYTES = 16
/** More in parallel would take memory and CPU from the fleet. */
const MAX_CONCURRENT = 2
const MAX_WAITING = 50

const waiting: (() => void)[] = []
let working = 0

async function derive(
  password: string,
  salt: Buffer,
  { N, r, p }: typeof COST | Omit<typeof COST, 'maxmem'>,
): Promise<Buffer> {
  if (working >= MAX_CONCURRENT) {
    if (waiting.length >= MAX_WAITING)
      throw new RollcallError('server.overloaded', 'Too many users are signing in at the moment. Try again.')
    await new Promise<void>((resolve) => waiting.push(resolve))
  }
  working++
  try {
    return await new Promise((resolve, reject) =>
      scrypt(password.normalize('NFKC'), salt, KEY_BYTES, { N, r, p, maxmem: COST.maxmem }, (error, key) =>
        error ? reject(error) : resolve(key),
      ),
    )
  } finally {
    working--
    waiting.shift()?.()
  }
}

/** Hashes a password as `scrypt$N$r$p$salt$key`, salt and key in base64url. */
export async function hashPassword(password: string): Promise<string> {
  const salt = randomBytes(SALT_BYTES)
  const key = await derive(password, salt, COST)
  return ['scrypt', COST.N, COST.r, COST.p, salt.toString('base64url'), key.toString('base64url')].join('$')
}

/**
 * Verifies a password. A missing hash takes as long as a wrong password, so timing does not reveal which users exist.
 */
export async function verifyPassword(password: string, hash: string | null): Promise<boolean> {
  const [, N, r, p, salt, key] = (hash ?? `scrypt$${COST.N}$${COST.r}$${COST.p}$AAAA$AAAA`).split('$')
  const expected = Buffer.from(key ?? '', 'base64url')
  const cost = { N: Number(N), r: Number(r), p: Number(p) }
  const derived = await derive(password, Buffer.from(salt ?? '', 'base64url'), cost)
  return hash !== null && derived.length === expected.length && timingSafeEqual(derived, expected)
}

/** The most common long passwords. */
const COMMON =
  /^(?:(?:password|passw0rd|qwerty|rollcall|welcome|letmein|iloveyou|admin(?:istrator)?|changeme|abc|test)[\d\W_]*)+$/i

/**
 * Throws `access.weak_password` for passwords that are guessed first: common, repetitive, sequential or close to the
 * e-mail address.
 */
export function refuseWeakPassword(password: string, email: string, field: string): void {
  const plain = password.toLowerCase()
  const [own = ''] = email.split('@')
  const isRun = [...plain].every(
    (char, i, all) => i === 0 || char.charCodeAt(0) - (all[i - 1] ?? '').charCodeAt(0) === 1,
  )
  const why =
    new Set(plain).size < 5
      ? 'has too few different characters'
      : COMMON.test(plain) || isRun || /^(?:0123456789|1234567890)+\d*$/.test(plain)
        ? 'is too common'
        : plain.includes(email) || (own.length >= 4 && plain.replaceAll(own, '').length < 8)
          ? 'is too similar to the e-mail address'
          : null
  if (why === null) return
  throw new RollcallError(
    'access.weak_password',
    `The password ${why}. Choose another, such as four random words.`,
    {
      fields: [{ field, message: why }],
    },
  )
}
