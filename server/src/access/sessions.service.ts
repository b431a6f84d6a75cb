import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { sanitizeText } from '@rollcall/contracts'
import type { SessionView } from '@rollcall/contracts/admin'
import { Clock } from '../platform/clock/clock.ts'
import { type FoundSession } from './domain/session.ts'
import { hashToken, newToken } from './one-time-links.ts'
import { toSessionView } from './session.view.ts'
import { SessionsRepository } from './sessions.repository.ts'

/** A session ends after this idle time, and at this age regardless of use. */
const IDLE_MS = 12 * 3_600_000
const MAX_AGE_MS = 7 * 86_400_000
/** The time within which the second factor must follow the password. */
const PENDING_MS = 10 * 60_000
const SEEN_RECORD_INTERVAL_MS = 60_000
const MAX_PER_USER = 50

export interface Visitor {
  address: string
  userAgent: string
}

/** Manages browser sessions, each by a cookie of 256 random bits, stored as SHA-256. */
@Injectable()
export class SessionsService {
  constructor(
    private readonly sessions: SessionsRepository,
    private readonly clock: Clock,
  ) {}

  /** Starts a new session for each sign-in, which prevents session fixation. Returns the cookie. */
  async begin(userId: string, isPending: boolean, visitor: Visitor): Promise<string> {
    const token = newToken()
    const now = this.clock.now()
    const session = {
      id: randomUUID(),
      userId,
      tokenHash: hashToken(token),
      isPending,
      address: visitor.address,
      userAgent: sanitizeText(visitor.userAgent, 300),
      createdAt: now,
      expiresAt: new Date(now.getTime() + (isPending ? PENDING_MS : MAX_AGE_MS)),
    }
    await this.sessions.add(session, { idleSince: idleSince(now), kept: MAX_PER_USER - 1 })
    return token
  }

  /** Returns the session of a cookie, unless it has ended or its user is disabled. */
  async find(token: string): Promise<FoundSession | undefined> {
    const now = this.clock.now()
    const found = await this.sessions.find(hashToken(token), { now, idleSince: idleSince(now) })
    if (!found) return undefined
    const { lastSeenAt, ...session } = found
    if (now.getTime() - lastSeenAt.getTime() > SEEN_RECORD_INTERVAL_MS)
      await this.sessions.recordSeen(session.sessionId, now)
    return session
  }

  async list(userId: string, currentId: string | null): Promise<SessionView[]> {
    const found = await this.sessions.list(userId, this.clock.now())
    return found.map((session) => toSessionView(session, currentId))
  }

  end(userId: string, sessionId: string): Promise<void> {
    return this.sessions.remove(userId, sessionId)
  }
}

const idleSince = (now: Date) => new Date(now.getTime() - IDLE_MS)
