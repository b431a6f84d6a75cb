import type { z } from 'zod'
import { ACCESS_ROUTES } from './access/routes.ts'
import { AUDIT_ROUTES } from './audit/routes.ts'
import { COMMANDS_ROUTES } from './commands/routes.ts'
import { HEALTH_ROUTES } from './health/routes.ts'
import { HEARTBEATS_ROUTES } from './heartbeats/routes.ts'
import { HOSTS_ROUTES } from './hosts/routes.ts'
import { IMAGES_ROUTES } from './images/routes.ts'
import { PLAYBOOKS_ROUTES } from './playbooks/routes.ts'
import { PROVISIONING_ROUTES } from './provisioning/routes.ts'
import { ROTATIONS_ROUTES } from './rotations/routes.ts'
import { RUNS_ROUTES } from './runs/routes.ts'
import { SAVED_COMMANDS_ROUTES } from './saved-commands/routes.ts'
import { SCHEDULES_ROUTES } from './schedules/routes.ts'
import { SECRETS_ROUTES } from './secrets/routes.ts'
import { SERVICE_OPERATIONS_ROUTES, SERVICES_ROUTES } from './services/routes.ts'
import { TERMINALS_ROUTES } from './terminals/routes.ts'
import { TOOLS_ROUTES } from './tools/routes.ts'
import { TRANSFERS_ROUTES } from './transfers/routes.ts'
import { UPGRADES_ROUTES } from './upgrades/routes.ts'

/** The routes of each feature of the server that serves some. */
export const FEATURE_ROUTES = {
  access: ACCESS_ROUTES,
  audit: AUDIT_ROUTES,
  commands: COMMANDS_ROUTES,
  health: HEALTH_ROUTES,
  heartbeats: HEARTBEATS_ROUTES,
  hosts: HOSTS_ROUTES,
  images: IMAGES_ROUTES,
  playbooks: PLAYBOOKS_ROUTES,
  provisioning: PROVISIONING_ROUTES,
  rotations: ROTATIONS_ROUTES,
  runs: RUNS_ROUTES,
  'saved-commands': SAVED_COMMANDS_ROUTES,
  schedules: SCHEDULES_ROUTES,
  secrets: SECRETS_ROUTES,
  services: { ...SERVICES_ROUTES, ...SERVICE_OPERATIONS_ROUTES },
  terminals: TERMINALS_ROUTES,
  tools: TOOLS_ROUTES,
  transfers: TRANSFERS_ROUTES,
  upgrades: UPGRADES_ROUTES,
} as const

type FeatureRoutes = (typeof FEATURE_ROUTES)[keyof typeof FEATURE_ROUTES]
type Intersection<Union> = (Union extends unknown ? (each: Union) => void : never) extends (
  all: infer All,
) => void
  ? All
  : never

/** Every route, by name. */
export const ADMIN_ROUTES: Intersection<FeatureRoutes> = Object.assign({}, ...Object.values(FEATURE_ROUTES))

export type AdminRoutes = typeof ADMIN_ROUTES
export type AdminRouteName = keyof AdminRoutes
export type AdminResponse<N extends AdminRouteName> = z.output<AdminRoutes[N]['response']>
