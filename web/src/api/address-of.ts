import { ADMIN_ROUTES, type AdminRouteName } from '@rollcall/contracts/admin/all-routes'
import { toPath } from '@rollcall/contracts/client'

/** Returns the address of a route, for links that the browser follows by itself. */
export const addressOf = (name: AdminRouteName): string => toPath(ADMIN_ROUTES[name])
