import { randomBytes, scrypt, timingSafeEqual } from 'node:crypto'
import { RollcallError } from '@rollcall/contracts'

export interface ScryptCost {
  N: number
  r: number
  p: number
}

/** 32 MiB and three passes, from the OWASP password storage cheat sheet for scrypt. */
export const SCRYPT_COST: ScryptCost = { N: 2 ** 15, r: 8, p: 3 }
const MAX_BYTES = 64 * 1024 * 1024
const KEY_BYTES = 32
const SALT_BYTES = 16
/** More in parallel would take memory and CPU from the fleet. */
const MAX_CONCURRENT = 2
const MAX_WAITING = 50

/** Hashes and verifies passwords, few at a time. A hash says what it cost, so that those of another cost are verified too. */
export class PasswordHasher {
  private readonly waiting: (() => void)[] = []
  private working = 0

  constructor(private readonly cost = SCRYPT_COST) {}

  /** Hashes a password as `scrypt$N$r$p$salt$key`, salt and key in base64url. Throws `server.overloaded`. */
  async hash(password: string): Promise<string> {
    const salt = randomBytes(SALT_BYTES)
    const key = await this.derive(password, salt, this.cost)
    const { N, r, p } = this.cost
    return ['scrypt', N, r, p, salt.toString('base64url'), key.toString('base64url')].join('$')
  }

  /**
   * Verifies a password. Throws `server.overloaded`. A missing hash takes as long as a wrong password, so timing does
   * not reveal which users exist.
   */
  async verify(password: string, hash: string | null): Promise<boolean> {
    const own = this.cost
    const [, N, r, p, salt, key] = (hash ?? `scrypt$${own.N}$${own.r}$${own.p}$AAAA$AAAA`).split('$')
    const expected = Buffer.from(key ?? '', 'base64url')
    const cost = { N: Number(N), r: Number(r), p: Number(p) }
    const derived = await this.derive(password, Buffer.from(salt ?? '', 'base64url'), cost)
    return hash !== null && derived.length === expected.length && timingSafeEqual(derived, expected)
  }

  private async derive(password: string, salt: Buffer, cost: ScryptCost): Promise<Buffer> {
    if (this.working >= MAX_CONCURRENT) {
      if (this.waiting.length >= MAX_WAITING)
        throw new RollcallError(
          'server.overloaded',
          'Too many users are signing in at the moment. Try again.',
        )
      await new Promise<void>((resolve) => this.waiting.push(resolve))
    }
    this.working++
    try {
      return await new Promise((resolve, reject) =>
        scrypt(password.normalize('NFKC'), salt, KEY_BYTES, { ...cost, maxmem: MAX_BYTES }, (error, key) =>
          error ? reject(error) : resolve(key),
        ),
      )
    } finally {
      this.working--
      this.waiting.shift()?.()
    }
  }
}
