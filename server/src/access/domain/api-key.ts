import { type Permission } from '@rollcall/contracts/admin'
import { type Grant } from './rights.ts'

/** Keys that were made with keys that were made with keys: so many and no more. */
export const MAX_CHAIN = 8

export interface ApiKey {
  id: string
  name: string
  kind: 'local' | 'key'
  /** The permissions that it was given; they count as far as all of `chain` have them. */
  permissions: Permission[]
  scope: string[] | null
  owner: { id: string; name: string; email: string } | null
  parent: string | null
  createdBy: string | null
  createdAt: Date
  expiresAt: Date | null
  lastUsedAt: Date | null
  /** The key, those that it was made with, and their owner; empty where it hangs on nothing. */
  chain: Grant[]
  /** How many keys hang together, up to this one. */
  depth: number
}

export interface NewApiKey
  extends Pick<ApiKey, 'id' | 'name' | 'permissions' | 'scope' | 'createdBy' | 'createdAt' | 'expiresAt'> {
  hash: string
  ownerId: string | null
  parentId: string | null
}
