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

/** The hash under which a token of 256 random bits is kept: nothing slower is needed. */
export const hashOfToken = (token: string) => createHash('sha256').update(token).digest('hex')
export const newToken = () => randomBytes(32).toString('base64url')

/** Links that open the way to a password once. The token stands behind the #, so that it is in no server's log. */
@Injectable()
export class OneTimeLinks {
  constructor(
    private readonly links: OneTimeLinksRepository,
    private readonly dataDir: DataDir,
    private readonly clock: Clock,
    @Inject(CONFIG) private readonly config: Config,
  ) {}

  /** The way to the first admin, which stands in a file that only the server's owner can read. Earlier ones open nothing any more. */
  async makeSetupLink(serverUrl: string): Promise<string> {
    const token = newToken()
    const link = `${this.config.publicUrl ?? serverUrl}/setup#${token}`
    await this.dataDir.write(SETUP_FILE, `${link}\n`)
    await this.links.replaceSetup(hashOfToken(token), this.hoursFromNow(SETUP_HOURS))
    return link
  }

  /**
   * For a user to set a password by. The page's own origin comes before it in the browser. Undefined where the user was changed
   * since `version`.
   */
  async makePasswordLink(
    userId: string,
    version: number,
  ): Promise<{ link: string; expiresAt: Date } | undefined> {
    const token = newToken()
    await this.links.removeOf(userId, this.clock.now())
    const expiresAt = this.hoursFromNow(PASSWORD_HOURS)
    if (!(await this.links.add({ tokenHash: hashOfToken(token), expiresAt, userId, version })))
      return undefined
    return { link: `${this.config.publicUrl ?? ''}/invite#${token}`, expiresAt }
  }

  /** The user that a link is for; whoever asks again gets nothing. */
  take(token: string): Promise<string | undefined> {
    return this.links.take(hashOfToken(token), this.clock.now())
  }

  /** The user that a link is for, which stays good. */
  find(token: string): Promise<string | undefined> {
    return this.links.find(hashOfToken(token), this.clock.now())
  }

  private hoursFromNow(hours: number): Date {
    return new Date(this.clock.now().getTime() + hours * HOUR_MS)
  }
}
