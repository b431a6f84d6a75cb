import type { SessionView } from '@rollcall/contracts/admin'
import type { StoredSession } from './domain/session.ts'

/** Converts a session to its public view; `currentId` is the session of the request. */
export const toSessionView = (
  { createdAt, lastSeenAt, ...session }: StoredSession,
  currentId: string | null,
): SessionView => ({
  ...session,
  createdAt: createdAt.toISOString(),
  lastSeenAt: lastSeenAt.toISOString(),
  isCurrent: session.id === currentId,
})
