import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { firstAdmin } from '@rollcall/contracts/admin'
import { Secret, TOTP } from 'otpauth'
import type { z } from 'zod'
import { Clock } from '../platform/clock/clock.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { AccessService } from './access.service.ts'
import { hashPassword, isPassword, refuseWeakPassword } from './domain/password.ts'
import type { FoundSession } from './domain/session.ts'
import { type User } from './domain/user.ts'
import { hashOfToken, OneTimeLinks } from './one-time-links.ts'
import { SessionsService, type Visitor } from './sessions.service.ts'
import { UsersRepository } from './users.repository.ts'

const RECOVERY_CODES = 10
const PERIOD_S = 30
/** An id that nobody has: an address that is unknown costs the same time. */
const UNKNOWN_USER_ID = '00000000-0000-0000-0000-000000000000'

/** A session that was begun: its cookie, and whether a second factor has to follow. */
export interface SignedIn {
  token: string
  needsTotp: boolean
}

/** Signing in, and what a person does with the own account. */
@Injectable()
export class AccountsService {
  constructor(
    private readonly users: UsersRepository,
    private readonly sessions: SessionsService,
    private readonly links: OneTimeLinks,
    private readonly access: AccessService,
    private readonly clock: Clock,
    @Inject(Sealer) private readonly sealer: Sealer,
  ) {}

  /** Says the same, and takes as long, for an address that nobody has, a locked account and a wrong password. */
  async signIn(email: string, password: string, visitor: Visitor): Promise<SignedIn> {
    const user = await this.users.findByEmail(email)
    const now = this.clock.now()
    const until = await this.users.countAttempt(user?.id ?? UNKNOWN_USER_ID, now)
    const isRight = await isPassword(password, user?.passwordHash ?? null)
    if (user && isRight && until === null) await this.users.takeBack(user.id, now)
    if (!user || !isRight || until !== null || user.isDisabled)
      throw new RollcallError(
        'access.wrong_credentials',
        'E-mail address and password do not fit together, or the account is disabled, or locked for some minutes after too many wrong answers.',
        { fields: [{ field: 'password', message: 'does not fit the e-mail address' }] },
      )
    return this.enter(user, visitor)
  }

  /** Somebody is who they say: a session begins, or half of one where a second factor has to follow. */
  async enter(user: User, visitor: Visitor): Promise<SignedIn> {
    const needsTotp = user.isTotpConfirmed
    if (!needsTotp) await this.users.succeeded(user.id, this.clock.now())
    return { token: await this.sessions.begin(user.id, needsTotp, visitor), needsTotp }
  }

  /** The second step. The session of the first one ends, and another begins. */
  async verifySecondFactor(
    pending: FoundSession,
    code: string,
    isRecoveryCode: boolean,
    visitor: Visitor,
  ): Promise<SignedIn> {
    const user = await this.users.find(pending.userId)
    await this.countAttempt(pending.userId)
    if (!user || !(await this.isCode(user, code, isRecoveryCode))) throw wrongCode()
    await this.users.succeeded(user.id, this.clock.now())
    await this.sessions.end(user.id, pending.sessionId)
    return { token: await this.sessions.begin(user.id, false, visitor), needsTotp: false }
  }

  async setUpFirstAdmin(wanted: z.output<typeof firstAdmin>, visitor: Visitor): Promise<SignedIn> {
    refuseWeakPassword(wanted.password, wanted.email, 'password')
    const user = {
      id: randomUUID(),
      email: wanted.email,
      name: wanted.name,
      role: 'admin' as const,
      scope: null,
      passwordHash: await hashPassword(wanted.password),
      createdAt: this.clock.now(),
    }
    if (!(await this.users.addFirst(user, hashOfToken(wanted.token)))) throw invalidLink()
    await this.users.succeeded(user.id, this.clock.now())
    return { token: await this.sessions.begin(user.id, false, visitor), needsTotp: false }
  }

  /** Sets a password by a link. A password that is refused does not use the link up. */
  async acceptInvite(token: string, password: string, visitor: Visitor): Promise<SignedIn> {
    const userId = await this.links.find(token)
    const user = userId && (await this.users.find(userId))
    if (!user || user.isDisabled) throw invalidLink()
    refuseWeakPassword(password, user.email, 'password')
    const hash = await hashPassword(password)
    if ((await this.links.take(token)) !== user.id) throw invalidLink()
    await this.users.setPassword(user.id, hash, null)
    this.access.forgetAll()
    return this.enter(user, visitor)
  }

  async changePassword(userId: string, sessionId: string, password: string, next: string): Promise<void> {
    const user = await this.confirmed(userId, password)
    refuseWeakPassword(next, user.email, 'newPassword')
    await this.users.setPassword(user.id, await hashPassword(next), sessionId)
    this.access.forgetAll()
  }

  async hasTotp(userId: string): Promise<boolean> {
    return (await this.users.find(userId))?.isTotpConfirmed ?? false
  }

  async enrolTotp(userId: string, password: string): Promise<{ secret: string; url: string }> {
    const user = await this.confirmed(userId, password)
    if (user.isTotpConfirmed)
      throw new RollcallError('request.invalid', 'There is a second factor already. Switch it off first.')
    const secret = new Secret({ size: 20 })
    await this.users.setTotpSecret(userId, this.sealer.seal(secret.base32, toContext(userId)))
    return { secret: secret.base32, url: totpOf(secret, user.email).toString() }
  }

  async confirmTotp(userId: string, code: string): Promise<string[]> {
    const user = await this.users.find(userId)
    if (!user?.totpSecret || user.isTotpConfirmed)
      throw new RollcallError('request.invalid', 'Begin with a new secret first.')
    await this.countAttempt(userId)
    if (!(await this.isTotp(user, code))) throw wrongCode()
    await this.users.takeBack(userId, this.clock.now())
    const codes = Array.from({ length: RECOVERY_CODES }, () =>
      randomBytes(8)
        .toString('hex')
        .replace(/(.{4})(?!$)/g, '$1-'),
    )
    await this.users.confirmTotp(userId, codes.map(hashOfRecoveryCode))
    return codes
  }

  async disableTotp(userId: string, password: string): Promise<void> {
    await this.confirmed(userId, password)
    await this.users.disableTotp(userId)
  }

  /** The user, who has said the own password once more. */
  private async confirmed(userId: string, password: string): Promise<User> {
    const user = await this.users.find(userId)
    await this.countAttempt(userId)
    if (user && (await isPassword(password, user.passwordHash))) {
      await this.users.takeBack(userId, this.clock.now())
      return user
    }
    throw new RollcallError('access.wrong_credentials', 'This is not your password.', {
      fields: [{ field: 'password', message: 'is not yours' }],
    })
  }

  private async isCode(user: User, code: string, isRecoveryCode: boolean): Promise<boolean> {
    if (isRecoveryCode) return this.users.useRecoveryCode(user.id, hashOfRecoveryCode(code))
    return this.isTotp(user, code)
  }

  /** One step before and after ours is taken too: clocks differ. A step's code is taken once. */
  private async isTotp(user: User, code: string): Promise<boolean> {
    if (!user.totpSecret) return false
    const secret = Secret.fromBase32(this.sealer.open(user.totpSecret, toContext(user.id)))
    const timestamp = this.clock.now().getTime()
    const delta = totpOf(secret, user.email).validate({ token: code, timestamp, window: 1 })
    if (delta === null) return false
    return this.users.useTotpStep(user.id, Math.floor(timestamp / 1000 / PERIOD_S) + delta)
  }

  /** Counts an answer before it is judged. Throws `access.locked_out`; for those who have shown that they know the password. */
  private async countAttempt(userId: string): Promise<void> {
    const until = await this.users.countAttempt(userId, this.clock.now())
    if (until)
      throw new RollcallError(
        'access.locked_out',
        `Too many wrong answers: this account is locked until ${until.toISOString()}. An admin can reset it.`,
      )
  }
}

const totpOf = (secret: Secret, label: string) =>
  new TOTP({ issuer: 'Rollcall', label, secret, algorithm: 'SHA1', digits: 6, period: PERIOD_S })

const toContext = (userId: string) => `user/${userId}/totp`
const hashOfRecoveryCode = (code: string) =>
  createHash('sha256')
    .update(code.toLowerCase().replace(/[^0-9a-f]/g, ''))
    .digest('hex')

const wrongCode = () =>
  new RollcallError(
    'access.code_wrong',
    'This code is not right, or was used before. Wait for the next one.',
    {
      fields: [{ field: 'code', message: 'is not right, or was used before' }],
    },
  )

const invalidLink = () =>
  new RollcallError('access.link_invalid', 'This link was used before, or has expired. Ask for another one.')
