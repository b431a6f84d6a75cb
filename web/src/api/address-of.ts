import { ADMIN_ROUTES, type AdminRouteName } from '@rollcall/contracts/admin/all-routes'
import { toPath } from '@rollcall/contracts/client'

/** Returns the address of a route, for what the browser asks for by itself. */
export const addressOf = (name: AdminRouteName, params: Record<string, string> = {}): string =>
  toPath(ADMIN_ROUTES[name], { params })
