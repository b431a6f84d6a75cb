import type { User } from './user.ts'

export interface FoundSession extends Pick<User, 'email' | 'name' | 'role' | 'scope'> {
  sessionId: string
  userId: string
  isPending: boolean
}

export interface NewSession {
  id: string
  userId: string
  tokenHash: string
  isPending: boolean
  address: string
  userAgent: string
  createdAt: Date
  expiresAt: Date
}

export interface StoredSession extends Pick<NewSession, 'id' | 'createdAt' | 'address' | 'userAgent'> {
  lastSeenAt: Date
}
