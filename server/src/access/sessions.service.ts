import { randomUUID } from 'node:crypto'
import { Injectable } from '@nestjs/common'
import { sanitizeText } from '@rollcall/contracts'
import type { SessionView } from '@rollcall/contracts/admin'
import { Clock } from '../platform/clock/clock.ts'
import { type FoundSession } from './domain/session.ts'
import { hashOfToken, newToken } from './one-time-links.ts'
import { SessionsRepository } from './sessions.repository.ts'

/** A session that nobody used for so long is over, and so is one of this age however much it is used. */
const IDLE_MS = 12 * 3_600_000
const LIFE_MS = 7 * 86_400_000
/** For the second factor to follow the password. */
const PENDING_MS = 10 * 60_000
const NOTE_SEEN_MS = 60_000
const MAX_PER_USER = 50

export interface Visitor {
  address: string
  userAgent: string
}

/** Browsers that people are signed in with. A cookie of 256 random bits each, kept as SHA-256. */
@Injectable()
export class SessionsService {
  constructor(
    private readonly sessions: SessionsRepository,
    private readonly clock: Clock,
  ) {}

  /** A session of its own for each sign-in: a cookie that somebody else has set before opens nothing. Returns the cookie. */
  async begin(userId: string, isPending: boolean, visitor: Visitor): Promise<string> {
    const token = newToken()
    const now = this.clock.now()
    const session = {
      id: randomUUID(),
      userId,
      tokenHash: hashOfToken(token),
      isPending,
      address: visitor.address,
      userAgent: sanitizeText(visitor.userAgent, 300),
      createdAt: now,
      expiresAt: new Date(now.getTime() + (isPending ? PENDING_MS : LIFE_MS)),
    }
    await this.sessions.add(session, { idleSince: idleSince(now), kept: MAX_PER_USER - 1 })
    return token
  }

  /** The session of a cookie, unless it has ended or its user may not sign in any more. */
  async find(token: string): Promise<FoundSession | undefined> {
    const now = this.clock.now()
    const found = await this.sessions.find(hashOfToken(token), { now, idleSince: idleSince(now) })
    if (!found) return undefined
    const { lastSeenAt, ...session } = found
    if (now.getTime() - lastSeenAt.getTime() > NOTE_SEEN_MS)
      await this.sessions.noteSeen(session.sessionId, now)
    return session
  }

  async list(userId: string, currentId: string | null): Promise<SessionView[]> {
    const found = await this.sessions.list(userId, this.clock.now())
    return found.map(({ createdAt, lastSeenAt, ...session }) => ({
      ...session,
      createdAt: createdAt.toISOString(),
      lastSeenAt: lastSeenAt.toISOString(),
      isCurrent: session.id === currentId,
    }))
  }

  end(userId: string, sessionId: string): Promise<void> {
    return this.sessions.remove(userId, sessionId)
  }
}

const idleSince = (now: Date) => new Date(now.getTime() - IDLE_MS)
