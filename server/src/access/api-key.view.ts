import type { KeyView } from '@rollcall/contracts/admin'
import type { ApiKey } from './domain/api-key.ts'
import { effectiveRights } from './domain/rights.ts'

/** Converts a key to its public view, with the permissions that it has at `now`. */
export const toKeyView = (
  { chain, depth: _, createdAt, expiresAt, lastUsedAt, ...key }: ApiKey,
  now: Date,
): KeyView => ({
  ...key,
  permissionsNow: [...(effectiveRights(chain, now)?.permissions ?? [])],
  createdAt: createdAt.toISOString(),
  expiresAt: expiresAt?.toISOString() ?? null,
  lastUsedAt: lastUsedAt?.toISOString() ?? null,
})
