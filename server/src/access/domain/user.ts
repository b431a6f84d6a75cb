import type { Role } from '@rollcall/contracts/admin'

export interface User {
  id: string
  email: string
  name: string
  role: Role
  scope: string[] | null
  passwordHash: string | null
  totpSecret: Buffer | null
  isTotpConfirmed: boolean
  isDisabled: boolean
  failures: number
  lockedUntil: Date | null
  lastSignInAt: Date | null
  createdAt: Date
  version: number
}
