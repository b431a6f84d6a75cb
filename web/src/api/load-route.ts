import type { AdminRouteName, AdminRoutes } from '@rollcall/contracts/admin'
import { ACCESS_ROUTES } from '@rollcall/contracts/admin/access/routes'
import { HEARTBEATS_ROUTES } from '@rollcall/contracts/admin/heartbeats/routes'
import { HOSTS_ROUTES } from '@rollcall/contracts/admin/hosts/routes'

/** Holds the routes that the first page calls. */
const FIRST: Partial<AdminRoutes> = { ...ACCESS_ROUTES, ...HEARTBEATS_ROUTES, ...HOSTS_ROUTES }

/** Returns a route of the contract. Those that the first page does not call are a file of their own, since all of them would be a tenth of what a browser loads first. */
export function loadRoute<N extends AdminRouteName>(name: N): AdminRoutes[N] | Promise<AdminRoutes[N]> {
  const first: AdminRoutes[N] | undefined = FIRST[name]
  return (
    first ?? import('@rollcall/contracts/admin/all-routes').then(({ ADMIN_ROUTES }) => ADMIN_ROUTES[name])
  )
}
