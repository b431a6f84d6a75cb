import type { UserView } from '@rollcall/contracts/admin'
import { type User } from './domain/user.ts'

export const toUserView = (user: User): UserView => ({
  id: user.id,
  email: user.email,
  name: user.name,
  role: user.role,
  scope: user.scope,
  isDisabled: user.isDisabled,
  hasPassword: user.passwordHash !== null,
  hasTotp: user.isTotpConfirmed,
  lastSignInAt: user.lastSignInAt?.toISOString() ?? null,
  createdAt: user.createdAt.toISOString(),
  version: user.version,
})
