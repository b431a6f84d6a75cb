import { z } from 'zod'
import { sshFingerprint, uuid } from '../text.ts'
import { ACCESS_ROUTES } from './access-routes.ts'
import { AUDIT_ROUTES } from './audit.ts'
import {
  commandInput,
  commandOutput,
  commandQuery,
  commandView,
  outputQuery,
  terminalSize,
} from './commands.ts'
import { FLEET_ROUTES } from './fleet-routes.ts'
import { hostAccepted, hostChecked, hostCheckRequest, hostShown, hostView, newHost } from './hosts.ts'
import { COLLECTION_ROUTES } from './playbook-collections.ts'
import { PLAYBOOK_ROUTES } from './playbooks.ts'
import { ROTATION_ROUTES } from './rotations.ts'
import { defineRoute } from './route.ts'
import { RUN_ROUTES } from './run-routes.ts'
import { TERMINAL_ROUTES } from './terminals.ts'
import { TRANSFER_ROUTES } from './transfers.ts'
import { UPGRADE_ROUTES } from './upgrades.ts'

export * from './access.ts'
export * from './audit.ts'
export * from './commands.ts'
export * from './heartbeats.ts'
export * from './hosts.ts'
export * from './live.ts'
export * from './playbook-collections.ts'
export * from './playbooks.ts'
export * from './rotations.ts'
export * from './route.ts'
export * from './runs.ts'
export * from './saved-commands.ts'
export * from './schedules.ts'
export * from './selector.ts'
export * from './targets.ts'
export * from './terminals.ts'
export * from './transfers.ts'
export * from './upgrades.ts'

const hostParam = z.strictObject({ host: z.string().min(1).max(63).describe('name or id') })
const commandParam = z.strictObject({ id: uuid })
const flag = z
  .enum(['true', 'false'])
  .default('false')
  .transform((text) => text === 'true')

/** What every error answer looks like. */
export const errorBody = z.strictObject({
  error: z.strictObject({
    code: z.string(),
    kind: z.enum(['rejected', 'unavailable', 'defect']),
    message: z.string(),
    fields: z.array(z.strictObject({ field: z.string(), message: z.string() })),
  }),
})
export type ErrorBody = z.infer<typeof errorBody>

const component = z.enum(['up', 'down'])

export const ADMIN_ROUTES = {
  health: defineRoute({
    method: 'GET',
    path: '/health',
    summary: 'Whether the process answers.',
    access: 'public',
    response: z.strictObject({ status: z.literal('ok'), version: z.string() }),
  }),
  ready: defineRoute({
    method: 'GET',
    path: '/ready',
    summary: 'Whether the server can do its work; 503 when it cannot.',
    access: 'public',
    response: z.strictObject({
      status: z.enum(['ready', 'not_ready']),
      database: component,
      queue: component,
    }),
  }),
  openapi: defineRoute({
    access: 'signed-in',
    method: 'GET',
    path: '/api/openapi.json',
    summary: 'This description.',
    response: z.looseObject({}),
  }),

  listHosts: defineRoute({
    access: 'hosts:read',
    method: 'GET',
    path: '/api/hosts',
    summary: 'All hosts, by name.',
    response: z.strictObject({ hosts: z.array(hostView) }),
  }),
  addHost: defineRoute({
    access: 'hosts:write',
    method: 'POST',
    path: '/api/hosts',
    summary: 'Adds a host and installs its agent.',
    status: 202,
    body: newHost,
    response: hostAccepted,
  }),
  showHost: defineRoute({
    access: 'hosts:read',
    method: 'GET',
    path: '/api/hosts/:host',
    summary: 'One host.',
    params: hostParam,
    response: hostShown,
  }),
  installHost: defineRoute({
    access: 'hosts:write',
    method: 'POST',
    path: '/api/hosts/:host/install',
    summary: 'Installs the agent again, with the same identity. Changes nothing where nothing is amiss.',
    status: 202,
    params: hostParam,
    response: hostAccepted,
  }),
  removeHost: defineRoute({
    access: 'hosts:write',
    method: 'DELETE',
    path: '/api/hosts/:host',
    summary:
      'Uninstalls the agent and then forgets the host. With forget=true the host is forgotten without being reached, and what is installed there stays.',
    status: 202,
    params: hostParam,
    query: z.strictObject({ forget: flag }),
    response: z.strictObject({
      /** The removal that was started; null when the host was forgotten. */
      commandId: uuid.nullable(),
      message: z.string(),
    }),
  }),
  scanHostKey: defineRoute({
    access: 'hosts:write',
    method: 'POST',
    path: '/api/host-keys',
    summary:
      'The SSH host key that an address shows now, to be compared before it is trusted. Nothing is stored.',
    body: newHost.pick({ address: true, port: true }),
    response: z.strictObject({ fingerprint: sshFingerprint, algorithm: z.string() }),
  }),
  checkHost: defineRoute({
    access: 'hosts:write',
    method: 'POST',
    path: '/api/host-checks',
    summary:
      'Signs in to a host that is not in the fleet yet and says whether an agent can be installed there. Nothing is changed on the host, and nothing is stored.',
    body: hostCheckRequest,
    response: hostChecked,
  }),

  ...ACCESS_ROUTES,
  ...AUDIT_ROUTES,
  ...COLLECTION_ROUTES,
  ...FLEET_ROUTES,
  ...PLAYBOOK_ROUTES,
  ...ROTATION_ROUTES,
  ...RUN_ROUTES,
  ...TERMINAL_ROUTES,
  ...TRANSFER_ROUTES,
  ...UPGRADE_ROUTES,
  listCommands: defineRoute({
    access: 'commands:read',
    method: 'GET',
    path: '/api/commands',
    summary: 'Commands, newest first.',
    query: commandQuery,
    response: z.strictObject({ commands: z.array(commandView) }),
  }),
  showCommand: defineRoute({
    access: 'commands:read',
    method: 'GET',
    path: '/api/commands/:id',
    summary: 'One command.',
    params: commandParam,
    response: z.strictObject({ command: commandView }),
  }),
  readOutput: defineRoute({
    access: 'commands:read',
    method: 'GET',
    path: '/api/commands/:id/output',
    summary: 'Output from a byte offset on, as it is stored now. Follow it live on /ws.',
    params: commandParam,
    query: outputQuery,
    response: commandOutput,
  }),
  cancelCommand: defineRoute({
    access: 'commands:run',
    method: 'POST',
    path: '/api/commands/:id/cancel',
    summary: 'Asks a command to end. One that has ended stays as it is.',
    status: 202,
    params: commandParam,
    response: z.strictObject({ command: commandView }),
  }),
  writeInput: defineRoute({
    access: 'commands:run',
    method: 'POST',
    path: '/api/commands/:id/input',
    summary: 'Writes to the standard input or terminal of a running command.',
    params: commandParam,
    body: commandInput,
    response: z.strictObject({ nextOffset: z.int() }),
  }),
  resizeTerminal: defineRoute({
    access: 'commands:run',
    method: 'POST',
    path: '/api/commands/:id/size',
    summary: 'Tells a running terminal its new size.',
    params: commandParam,
    body: terminalSize,
    response: z.strictObject({}),
  }),
} as const

export type AdminRoutes = typeof ADMIN_ROUTES
export type AdminRouteName = keyof AdminRoutes
export type AdminResponse<N extends AdminRouteName> = z.output<AdminRoutes[N]['response']>
