import { type Permission } from '@rollcall/contracts/admin'
import { type Grant } from './rights.ts'

/** The maximum length of a chain of keys made with one another. */
export const MAX_CHAIN = 8

export interface ApiKey {
  id: string
  name: string
  kind: 'local' | 'key'
  /** The permissions granted to it; effective only if every link of `chain` has them. */
  permissions: Permission[]
  scope: string[] | null
  owner: { id: string; name: string; email: string } | null
  parent: string | null
  createdBy: string | null
  createdAt: Date
  expiresAt: Date | null
  lastUsedAt: Date | null
  /** The key, its ancestors and their owner, as grants; empty if the chain is broken. */
  chain: Grant[]
  /** The length of the chain up to this key. */
  depth: number
}

export interface NewApiKey
  extends Pick<ApiKey, 'id' | 'name' | 'permissions' | 'scope' | 'createdBy' | 'createdAt' | 'expiresAt'> {
  hash: string
  ownerId: string | null
  parentId: string | null
}
