import { ROLE_PERMISSIONS } from '@rollcall/contracts/admin'
import { scopeFrom } from '../domain/host-scope.ts'
import type { Principal } from '../index.ts'

/** Creates an admin for all hosts, for specs. */
export const admin = (name: string): Principal => ({
  kind: 'user',
  id: name,
  userId: name,
  name,
  email: null,
  role: 'admin',
  permissions: new Set(ROLE_PERMISSIONS.admin),
  scopeText: null,
  scope: null,
  sessionId: null,
})

/** Creates an admin for some hosts, for specs. */
export const limited = (name: string, selectors: string[]): Principal => ({
  ...admin(name),
  scopeText: selectors,
  scope: scopeFrom(selectors),
})
