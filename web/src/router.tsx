import {
  createRootRouteWithContext,
  createRoute,
  createRouter,
  lazyRouteComponent,
  redirect,
} from '@tanstack/react-router'
import { queryClient } from './api/query-client.ts'
import { sessionQuery } from './api/session.ts'
import { type FleetView, firstHosts, readFleetView } from './features/fleet/fleet-view.ts'
import { Shell } from './ui/shell.tsx'
import { ErrorState, Waiting } from './ui/states.tsx'

const root = createRootRouteWithContext()({})
const nextOf = (search: Record<string, unknown>) => {
  const { next } = search
  // Only ever a place of our own.
  return { next: typeof next === 'string' && /^\/(?!\/)/.test(next) ? next : undefined }
}

const outside = (path: '/sign-in' | '/sign-in/sso' | '/setup' | '/invite') =>
  createRoute({
    getParentRoute: () => root,
    path,
    validateSearch: nextOf,
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

const under = () => inside
const text = (value: unknown) => (typeof value === 'string' && value !== '' ? value : undefined)

const fleetPage = lazyRouteComponent(() => import('./features/fleet/fleet-page.tsx'), 'FleetPage')
// The page that most open first comes while it is found out who is signed in.
if (location.pathname === '/') void fleetPage.preload?.()

const routes = [
  createRoute({
    getParentRoute: under,
    path: '/',
    validateSearch: (search): FleetView => readFleetView(search),
    loaderDeps: ({ search }) => search,
    // Whoever comes to the page sees it with its hosts; whoever filters them does not wait for an answer to go on typing.
    loader: async ({ deps, cause }) => {
      const asked = queryClient.prefetchQuery(firstHosts(deps))
      if (cause !== 'stay') await asked
    },
    component: fleetPage,
  }),
  createRoute({
    getParentRoute: under,
    path: '/hosts/add',
    component: lazyRouteComponent(() => import('./features/hosts/add-host-page.tsx'), 'AddHostPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/hosts/$host',
    component: lazyRouteComponent(() => import('./features/hosts/host-page.tsx'), 'HostPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/run',
    validateSearch: (search) => ({
      hosts: text(search.hosts),
      labels: text(search.labels),
      from: text(search.from),
      again: text(search.again),
    }),
    component: lazyRouteComponent(() => import('./features/runs/new-run-page.tsx'), 'NewRunPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/runs',
    component: lazyRouteComponent(() => import('./features/runs/runs-page.tsx'), 'RunsPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/runs/$id',
    component: lazyRouteComponent(() => import('./features/runs/run-page.tsx'), 'RunPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/commands',
    validateSearch: (search) => ({
      host: text(search.host),
      state: text(search.state),
      kind: text(search.kind),
    }),
    component: lazyRouteComponent(() => import('./features/commands/commands-page.tsx'), 'CommandsPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/commands/$id',
    component: lazyRouteComponent(() => import('./features/commands/command-page.tsx'), 'CommandPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/playbooks',
    component: lazyRouteComponent(() => import('./features/playbooks/playbooks-page.tsx'), 'PlaybooksPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/playbooks/$playbook',
    component: lazyRouteComponent(() => import('./features/playbooks/playbook-page.tsx'), 'PlaybookPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/files',
    component: lazyRouteComponent(() => import('./features/files/files-page.tsx'), 'FilesPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/files/new',
    component: lazyRouteComponent(() => import('./features/files/new-file-page.tsx'), 'NewFilePage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/files/$id',
    component: lazyRouteComponent(() => import('./features/files/file-page.tsx'), 'FilePage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/schedules',
    component: lazyRouteComponent(() => import('./features/schedules/schedules-page.tsx'), 'SchedulesPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/upgrades',
    component: lazyRouteComponent(() => import('./features/upgrades/upgrades-page.tsx'), 'UpgradesPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/upgrades/new',
    component: lazyRouteComponent(() => import('./features/upgrades/new-upgrade-page.tsx'), 'NewUpgradePage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/upgrades/$id',
    component: lazyRouteComponent(() => import('./features/upgrades/upgrade-page.tsx'), 'UpgradePage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/terminals',
    validateSearch: (search) => ({ host: text(search.host) }),
    component: lazyRouteComponent(() => import('./features/terminals/terminals-page.tsx'), 'TerminalsPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/audit',
    component: lazyRouteComponent(() => import('./features/audit/audit-page.tsx'), 'AuditPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/users',
    component: lazyRouteComponent(() => import('./features/access/users-page.tsx'), 'UsersPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/keys',
    component: lazyRouteComponent(() => import('./features/access/keys-page.tsx'), 'KeysPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/account',
    component: lazyRouteComponent(() => import('./features/access/account-page.tsx'), 'AccountPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/settings',
    component: lazyRouteComponent(() => import('./features/settings/settings-page.tsx'), 'SettingsPage'),
  }),
]

export const router = createRouter({
  routeTree: root.addChildren([
    outside('/sign-in'),
    outside('/sign-in/sso'),
    outside('/setup'),
    outside('/invite'),
    inside.addChildren(routes),
  ]),
  defaultPreload: 'intent',
  defaultPendingComponent: Waiting,
  defaultErrorComponent: ({ error, reset }) => <ErrorState error={error} onRetry={reset} />,
})
