import type { AdminRouteName, AdminRoutes } from '@rollcall/contracts/admin'

/** Loads a route of the contract. In the bundle this file is replaced by one that loads the routes of one feature alone (bundle.mjs). */
export async function loadRoute<N extends AdminRouteName>(name: N): Promise<AdminRoutes[N]> {
  const { ADMIN_ROUTES } = await import('@rollcall/contracts/admin')
  return ADMIN_ROUTES[name]
}
