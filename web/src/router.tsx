import type { Permission } from '@rollcall/contracts/admin'
import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router'
import type { ReactNode } from 'react'
import { queryClient } from './api/query-client.ts'
import { toSearchText } from './api/search-text.ts'
import { sessionQuery } from './api/session.ts'
import { type FleetView, firstHosts, readFleetView } from './features/fleet/fleet-view.ts'
import { t } from './i18n/index.tsx'
import { COMPONENTS, PAGES } from './pages.ts'
import { Shell } from './ui/shell.tsx'
import { ErrorState, NotFound, Waiting } from './ui/states.tsx'

declare module '@tanstack/react-router' {
  interface StaticDataRouteOption {
    /** The permission without which the page denies access. */
    needs?: Permission
  }
}

const root = createRootRouteWithContext()({})
const toNext = (search: Record<string, unknown>) => {
  const { next } = search
  // Never an address outside this site.
  return { next: typeof next === 'string' && /^\/(?!\/)/.test(next) ? next : undefined }
}

const outside = (path: '/sign-in' | '/sign-in/sso' | '/setup' | '/invite') =>
  createRoute({
    getParentRoute: () => root,
    path,
    validateSearch: toNext,
    beforeLoad: () => queryClient.ensureQueryData(sessionQuery),
    component: lazyRouteComponent(() => import('./features/access/entry-pages.tsx'), 'EntryPage'),
  })

const inside = createRoute({
  getParentRoute: () => root,
  id: 'inside',
  beforeLoad: async ({ location }) => {
    const { principal } = await queryClient.ensureQueryData(sessionQuery)
    if (!principal) throw redirect({ to: '/sign-in', search: { next: location.href } })
  },
  component: Shell,
})

const FLEET = {
  validateSearch: (search: Record<string, unknown>): FleetView => readFleetView(search),
  loaderDeps: ({ search }: { search: FleetView }) => search,
  // Somebody who comes to the page sees it with its hosts; somebody who filters them does not wait for an answer to type on.
  loader: async ({ deps, cause }: { deps: FleetView; cause: string }) => {
    const hosts = queryClient.prefetchQuery(firstHosts(deps))
    if (cause !== 'stay') await hosts
  },
}

const routes = Object.entries(PAGES).map(([file, { path, needs, search }]) => {
  const component = lazyRouteComponent(COMPONENTS[file] as () => Promise<{ default: () => ReactNode }>)
  // The page that most open first comes while it is found out who is signed in.
  if (path === '/' && location.pathname === '/') void component.preload?.()
  return createRoute({
    getParentRoute: () => inside,
    path,
    staticData: needs ? { needs } : {},
    ...(search && {
      validateSearch: (given: Record<string, unknown>) =>
        Object.fromEntries(search.map((name) => [name, toSearchText(given[name])])),
    }),
    ...(path === '/' && (FLEET as object)),
    component,
  })
})

// Any other address: it says that nothing is there, with everything else in reach.
const notFound = createRoute({
  getParentRoute: () => inside,
  path: '$',
  component: () => <NotFound text={t('notFound.text')} />,
})

export const router = createRouter({
  routeTree: root.addChildren([
    outside('/sign-in'),
    outside('/sign-in/sso'),
    outside('/setup'),
    outside('/invite'),
    inside.addChildren([...routes, notFound]),
  ]),
  defaultPreload: 'intent',
  defaultPendingComponent: Waiting,
  defaultNotFoundComponent: () => <NotFound text={t('notFound.text')} />,
  defaultErrorComponent: ({ error, reset }) => <ErrorState error={error} onRetry={reset} />,
})
