import type { Role } from '@rollcall/contracts/admin'

export interface FoundSession {
  sessionId: string
  userId: string
  isPending: boolean
  email: string
  name: string
  role: Role
  scope: string[] | null
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

export interface StoredSession {
  id: string
  createdAt: Date
  lastSeenAt: Date
  address: string
  userAgent: string
}
