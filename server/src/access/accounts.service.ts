import { hash, randomBytes, randomUUID } from 'node:crypto'
import { Inject, Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import type { firstAdmin } from '@rollcall/contracts/admin'
import { Secret, TOTP } from 'otpauth'
import type { z } from 'zod'
import { Clock } from '../platform/clock/clock.ts'
import { PasswordHasher } from '../platform/crypto/password-hasher.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { AccessService } from './access.service.ts'
import { refuseWeakPassword } from './domain/password.ts'
import type { FoundSession } from './domain/session.ts'
import { type User } from './domain/user.ts'
import { hashToken, OneTimeLinks } from './one-time-links.ts'
import { SessionsService, type Visitor } from './sessions.service.ts'
import { UsersRepository } from './users.repository.ts'

const RECOVERY_CODES = 10
const PERIOD_S = 30
/** The id of no user, for attempts on unknown addresses, which must take the same time. */
const UNKNOWN_USER_ID = '00000000-0000-0000-0000-000000000000'

/** A new session's cookie, and whether a second factor must follow. */
export interface SignInResult {
  token: string
  needsTotp: boolean
}

/** Signs users in and manages their own accounts. */
@Injectable()
export class AccountsService {
  constructor(
    private readonly users: UsersRepository,
    private readonly sessions: SessionsService,
    private readonly links: OneTimeLinks,
    private readonly access: AccessService,
    private readonly clock: Clock,
    @Inject(Sealer) private readonly sealer: Sealer,
    private readonly passwords: PasswordHasher,
  ) {}

  /** Signs a user in. Unknown addresses, locked accounts and wrong passwords give the same error in the same time. */
  async signIn(email: string, password: string, visitor: Visitor): Promise<SignInResult> {
    const user = await this.users.findByEmail(email)
    const now = this.clock.now()
    const until = await this.users.countAttempt(user?.id ?? UNKNOWN_USER_ID, now)
    const isRight = await this.passwords.verify(password, user?.passwordHash ?? null)
    if (user && isRight && until === null) await this.users.refundAttempt(user.id, now)
    if (!user || !isRight || until !== null || user.isDisabled)
      throw new RollcallError(
        'access.wrong_credentials',
        'The e-mail address or the password is wrong, or the account is disabled or locked for some minutes after too many failed attempts.',
        { fields: [{ field: 'password', message: 'does not match the e-mail address' }] },
      )
    return this.startSession(user, visitor)
  }

  /** Starts a session for an authenticated user; it is pending until the second factor if the user has one. */
  async startSession(user: User, visitor: Visitor): Promise<SignInResult> {
    const needsTotp = user.isTotpConfirmed
    if (!needsTotp) await this.users.recordSignIn(user.id, this.clock.now())
    return { token: await this.sessions.begin(user.id, needsTotp, visitor), needsTotp }
  }

  /** Verifies the second factor, ends the pending session and starts another. Throws `access.code_wrong`. */
  async verifySecondFactor(
    pending: FoundSession,
    code: string,
    isRecoveryCode: boolean,
    visitor: Visitor,
  ): Promise<SignInResult> {
    const user = await this.users.find(pending.userId)
    await this.countAttempt(pending.userId)
    if (!user || !(await this.isCode(user, code, isRecoveryCode))) throw wrongCode()
    await this.users.recordSignIn(user.id, this.clock.now())
    await this.sessions.end(user.id, pending.sessionId)
    return { token: await this.sessions.begin(user.id, false, visitor), needsTotp: false }
  }

  async setUpFirstAdmin(wanted: z.output<typeof firstAdmin>, visitor: Visitor): Promise<SignInResult> {
    refuseWeakPassword(wanted.password, wanted.email, 'password')
    const user = {
      id: randomUUID(),
      email: wanted.email,
      name: wanted.name,
      role: 'admin' as const,
      scope: null,
      passwordHash: await this.passwords.hash(wanted.password),
      createdAt: this.clock.now(),
    }
    if (!(await this.users.addFirst(user, hashToken(wanted.token)))) throw invalidLink()
    await this.users.recordSignIn(user.id, this.clock.now())
    return { token: await this.sessions.begin(user.id, false, visitor), needsTotp: false }
  }

  /** Sets a password by an invitation link. A refused password does not use up the link. */
  async acceptInvite(token: string, password: string, visitor: Visitor): Promise<SignInResult> {
    const userId = await this.links.find(token)
    const user = userId && (await this.users.find(userId))
    if (!user || user.isDisabled) throw invalidLink()
    refuseWeakPassword(password, user.email, 'password')
    const hash = await this.passwords.hash(password)
    if ((await this.links.redeem(token)) !== user.id) throw invalidLink()
    await this.users.setPassword(user.id, hash, null)
    this.access.invalidateAll()
    return this.startSession(user, visitor)
  }

  async changePassword(userId: string, sessionId: string, password: string, next: string): Promise<void> {
    const user = await this.requirePassword(userId, password)
    refuseWeakPassword(next, user.email, 'newPassword')
    await this.users.setPassword(user.id, await this.passwords.hash(next), sessionId)
    this.access.invalidateAll()
  }

  async hasTotp(userId: string): Promise<boolean> {
    return (await this.users.find(userId))?.isTotpConfirmed ?? false
  }

  async enrolTotp(userId: string, password: string): Promise<{ secret: string; url: string }> {
    const user = await this.requirePassword(userId, password)
    if (user.isTotpConfirmed)
      throw new RollcallError('request.invalid', 'The account already has a second factor. Disable it first.')
    const secret = new Secret({ size: 20 })
    await this.users.setTotpSecret(userId, this.sealer.seal(secret.base32, toSealContext(userId)))
    return { secret: secret.base32, url: toTotp(secret, user.email).toString() }
  }

  async confirmTotp(userId: string, code: string): Promise<string[]> {
    const user = await this.users.find(userId)
    if (!user?.totpSecret || user.isTotpConfirmed)
      throw new RollcallError('request.invalid', 'Request a new secret first.')
    await this.countAttempt(userId)
    if (!(await this.isTotp(user, code))) throw wrongCode()
    await this.users.refundAttempt(userId, this.clock.now())
    const codes = Array.from({ length: RECOVERY_CODES }, () =>
      randomBytes(8)
        .toString('hex')
        .replace(/(.{4})(?!$)/g, '$1-'),
    )
    await this.users.confirmTotp(userId, codes.map(hashRecoveryCode))
    return codes
  }

  async disableTotp(userId: string, password: string): Promise<void> {
    await this.requirePassword(userId, password)
    await this.users.disableTotp(userId)
  }

  /** Returns the user if the password is right. Throws `access.wrong_credentials`. */
  private async requirePassword(userId: string, password: string): Promise<User> {
    const user = await this.users.find(userId)
    await this.countAttempt(userId)
    if (user && (await this.passwords.verify(password, user.passwordHash))) {
      await this.users.refundAttempt(userId, this.clock.now())
      return user
    }
    throw new RollcallError('access.wrong_credentials', 'The password is wrong.', {
      fields: [{ field: 'password', message: 'is wrong' }],
    })
  }

  private async isCode(user: User, code: string, isRecoveryCode: boolean): Promise<boolean> {
    if (isRecoveryCode) return this.users.useRecoveryCode(user.id, hashRecoveryCode(code))
    return this.isTotp(user, code)
  }

  /** Verifies a code, one time step early or late at most, and accepts each step once. */
  private async isTotp(user: User, code: string): Promise<boolean> {
    if (!user.totpSecret) return false
    const secret = Secret.fromBase32(this.sealer.open(user.totpSecret, toSealContext(user.id)))
    const timestamp = this.clock.now().getTime()
    const delta = toTotp(secret, user.email).validate({ token: code, timestamp, window: 1 })
    if (delta === null) return false
    return this.users.useTotpStep(user.id, Math.floor(timestamp / 1000 / PERIOD_S) + delta)
  }

  /** Counts an attempt before it is judged. Throws `access.locked_out` if the account is locked. */
  private async countAttempt(userId: string): Promise<void> {
    const until = await this.users.countAttempt(userId, this.clock.now())
    if (until)
      throw new RollcallError(
        'access.locked_out',
        `Too many failed attempts: this account is locked until ${until.toISOString()}. An admin can reset it.`,
      )
  }
}

const toTotp = (secret: Secret, label: string) =>
  new TOTP({ issuer: 'Rollcall', label, secret, algorithm: 'SHA1', digits: 6, period: PERIOD_S })

const toSealContext = (userId: string) => `user/${userId}/totp`
const hashRecoveryCode = (code: string) => hash('sha256', code.toLowerCase().replace(/[^0-9a-f]/g, ''))

const wrongCode = () =>
  new RollcallError('access.code_wrong', 'The code is wrong or was already used. Wait for the next one.', {
    fields: [{ field: 'code', message: 'is wrong or was already used' }],
  })

const invalidLink = () =>
  new RollcallError('access.link_invalid', 'This link was already used or has expired. Ask for a new one.')
