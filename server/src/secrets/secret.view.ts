import type { SecretVersionView, SecretView } from '@rollcall/contracts/admin'
import type { Secret, SecretUse, SecretVersion } from './domain/secret.ts'

const MAX_USERS = 100

/** Converts a secret to its public view; `uses` may hold those of others. */
export const toSecretView = (
  { createdAt, updatedAt, ...secret }: Secret,
  uses: readonly SecretUse[],
): SecretView => ({
  ...secret,
  createdAt: createdAt.toISOString(),
  updatedAt: updatedAt.toISOString(),
  usedBy: toUsers(uses.filter(({ name }) => name === secret.name)),
})

/** Converts a version to its public view, without its digest. `uses` are those of its secret. */
export const toSecretVersionView = (
  { digest: _, createdAt, ...version }: SecretVersion,
  uses: readonly SecretUse[],
): SecretVersionView => ({
  ...version,
  createdAt: createdAt.toISOString(),
  usedBy: toUsers(uses.filter((use) => use.version === version.version)),
})

const toUsers = (uses: readonly SecretUse[]) =>
  [...new Set(uses.map(({ by }) => by))].sort().slice(0, MAX_USERS)
