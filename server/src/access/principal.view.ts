import type { PrincipalView } from '@rollcall/contracts/admin'
import type { Principal } from './principal.ts'

export const toPrincipalView = (principal: Principal): PrincipalView => ({
  kind: principal.kind,
  id: principal.id,
  name: principal.name,
  email: principal.email,
  role: principal.role,
  permissions: [...principal.permissions],
  scope: principal.scopeText,
})
