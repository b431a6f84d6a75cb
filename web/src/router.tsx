import type { Permission } from '@rollcall/contracts/admin'
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
import { t } from './i18n/index.tsx'
import { Shell } from './ui/shell.tsx'
import { ErrorState, NotFound, Waiting } from './ui/states.tsx'

declare module '@tanstack/react-router' {
  interface StaticDataRouteOption {
    /** The permission without which the page denies access. */
    needs?: Permission
  }
}

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
    staticData: { needs: 'hosts:read' },
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
    staticData: { needs: 'hosts:write' },
    component: lazyRouteComponent(() => import('./features/hosts/add-host-page.tsx'), 'AddHostPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/hosts/$host',
    staticData: { needs: 'hosts:read' },
    component: lazyRouteComponent(() => import('./features/hosts/host-page.tsx'), 'HostPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/run',
    staticData: { needs: 'commands:run' },
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
    staticData: { needs: 'commands:read' },
    component: lazyRouteComponent(() => import('./features/runs/runs-page.tsx'), 'RunsPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/runs/$id',
    staticData: { needs: 'commands:read' },
    component: lazyRouteComponent(() => import('./features/runs/run-page.tsx'), 'RunPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/commands',
    staticData: { needs: 'commands:read' },
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
    staticData: { needs: 'commands:read' },
    component: lazyRouteComponent(() => import('./features/commands/command-page.tsx'), 'CommandPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/playbooks',
    staticData: { needs: 'playbooks:read' },
    component: lazyRouteComponent(() => import('./features/playbooks/playbooks-page.tsx'), 'PlaybooksPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/playbooks/$playbook',
    staticData: { needs: 'playbooks:read' },
    component: lazyRouteComponent(() => import('./features/playbooks/playbook-page.tsx'), 'PlaybookPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/files',
    staticData: { needs: 'files:read' },
    component: lazyRouteComponent(() => import('./features/files/files-page.tsx'), 'FilesPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/files/new',
    staticData: { needs: 'files:write' },
    component: lazyRouteComponent(() => import('./features/files/new-file-page.tsx'), 'NewFilePage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/files/$id',
    staticData: { needs: 'files:read' },
    component: lazyRouteComponent(() => import('./features/files/file-page.tsx'), 'FilePage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/schedules',
    staticData: { needs: 'schedules:read' },
    component: lazyRouteComponent(() => import('./features/schedules/schedules-page.tsx'), 'SchedulesPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/upgrades',
    staticData: { needs: 'upgrades:read' },
    component: lazyRouteComponent(() => import('./features/upgrades/upgrades-page.tsx'), 'UpgradesPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/upgrades/new',
    staticData: { needs: 'upgrades:write' },
    component: lazyRouteComponent(() => import('./features/upgrades/new-upgrade-page.tsx'), 'NewUpgradePage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/upgrades/$id',
    staticData: { needs: 'upgrades:read' },
    component: lazyRouteComponent(() => import('./features/upgrades/upgrade-page.tsx'), 'UpgradePage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/terminals',
    staticData: { needs: 'terminals:open' },
    validateSearch: (search) => ({ host: text(search.host), command: text(search.command) }),
    component: lazyRouteComponent(() => import('./features/terminals/terminals-page.tsx'), 'TerminalsPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/audit',
    staticData: { needs: 'audit:read' },
    component: lazyRouteComponent(() => import('./features/audit/audit-page.tsx'), 'AuditPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/users',
    staticData: { needs: 'users:read' },
    component: lazyRouteComponent(() => import('./features/access/users-page.tsx'), 'UsersPage'),
  }),
  createRoute({
    getParentRoute: under,
    path: '/keys',
    staticData: { needs: 'keys:read' },
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
    staticData: { needs: 'profiles:read' },
    component: lazyRouteComponent(() => import('./features/settings/settings-page.tsx'), 'SettingsPage'),
  }),
  // Whatever else an address says: what is not there is told where everything else is in reach.
  createRoute({
    getParentRoute: under,
    path: '$',
    component: () => <NotFound text={t('notFound.text')} />,
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
  defaultNotFoundComponent: () => <NotFound text={t('notFound.text')} />,
  defaultErrorComponent: ({ error, reset }) => <ErrorState error={error} onRetry={reset} />,
})
