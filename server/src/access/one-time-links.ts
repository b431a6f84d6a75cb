import { createHash, randomBytes } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import { Clock } from '../platform/clock/clock.ts'
import type { Config } from '../platform/config/config.ts'
import { DataDir } from '../platform/config/data-dir.ts'
import { CONFIG } from '../platform/tokens.ts'
import { OneTimeLinksRepository } from './one-time-links.repository.ts'

const SETUP_HOURS = 24
const PASSWORD_HOURS = 72
const HOUR_MS = 3_600_000
export const SETUP_FILE = 'setup-link'

/** Hashes a token of 256 random bits, for which a fast hash is sufficient. */
export const hashToken = (token: string) => createHash('sha256').update(token).digest('hex')
export const newToken = () => randomBytes(32).toString('base64url')

/** Manages links that allow setting a password once. The token follows the `#`, so no server logs it. */
@Injectable()
export class OneTimeLinks {
  constructor(
    private readonly links: OneTimeLinksRepository,
    private readonly dataDir: DataDir,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /**
   * Creates the link for the first admin and writes it to a file that only the server's owner can read. Earlier setup
   * links become invalid.
   */
  async makeSetupLink(serverUrl: string): Promise<string> {
    const token = newToken()
    const link = `${this.config.publicUrl ?? serverUrl}/setup#${token}`
    await this.dataDir.write(SETUP_FILE, `${link}\n`)
    await this.links.replaceSetup(hashToken(token), this.hoursFromNow(SETUP_HOURS))
    return link
  }

  /**
   * Creates a link to set a password; without a public URL, the browser adds the origin. Returns undefined if the user
   * changed since `version`.
   */
  async makePasswordLink(
    userId: string,
    version: number,
  ): Promise<{ link: string; expiresAt: Date } | undefined> {
    const token = newToken()
    await this.links.removeForUser(userId, this.clock.now())
    const expiresAt = this.hoursFromNow(PASSWORD_HOURS)
    if (!(await this.links.add({ tokenHash: hashToken(token), expiresAt, userId, version }))) return undefined
    return { link: `${this.config.publicUrl ?? ''}/invite#${token}`, expiresAt }
  }

  /** Redeems a link and returns its user; undefined if it is not valid. */
  redeem(token: string): Promise<string | undefined> {
    return this.links.redeem(hashToken(token), this.clock.now())
  }

  /** Returns the user of a link without redeeming it. */
  find(token: string): Promise<string | undefined> {
    return this.links.find(hashToken(token), this.clock.now())
  }

  private hoursFromNow(hours: number): Date {
    return new Date(this.clock.now().getTime() + hours * HOUR_MS)
  }
}
