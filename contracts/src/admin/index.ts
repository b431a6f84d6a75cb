import { z } from 'zod'
import { sshFingerprint, uuid } from '../text.ts'
import {
  commandInput,
  commandOutput,
  commandQuery,
  commandView,
  outputQuery,
  terminalSize,
} from './commands.ts'
import {
  agentList,
  agentQuery,
  clusterHealth,
  heartbeatProfile,
  heartbeatProfileChange,
  historyQuery,
  hostChange,
  hostEvent,
  hostSample,
  hostStatus,
  newHeartbeatProfile,
  profileParam,
  sampleQuery,
} from './heartbeats.ts'
import { hostAccepted, hostView, newHost } from './hosts.ts'
import { defineRoute } from './route.ts'
import { newRun, runAccepted, runQuery, runSummary, runView } from './runs.ts'
import {
  changedSavedCommand,
  newSavedCommand,
  savedCommandView,
  savedRun,
  shortName,
} from './saved-commands.ts'
import { changedSchedule, newSchedule, scheduleView } from './schedules.ts'

export * from './commands.ts'
export * from './heartbeats.ts'
export * from './hosts.ts'
export * from './live.ts'
export * from './route.ts'
export * from './runs.ts'
export * from './saved-commands.ts'
export * from './schedules.ts'
export * from './selector.ts'
export * from './targets.ts'

const hostParam = z.strictObject({ host: z.string().min(1).max(63).describe('name or id') })
const commandParam = z.strictObject({ id: uuid })
const runParam = z.strictObject({ id: uuid })
const nameParam = z.strictObject({ name: shortName })
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
    method: 'GET',
    path: '/api/openapi.json',
    summary: 'This description.',
    response: z.looseObject({}),
  }),

  listHosts: defineRoute({
    method: 'GET',
    path: '/api/hosts',
    summary: 'All hosts, by name.',
    response: z.strictObject({ hosts: z.array(hostView) }),
  }),
  addHost: defineRoute({
    method: 'POST',
    path: '/api/hosts',
    summary: 'Adds a host and installs its agent.',
    status: 202,
    body: newHost,
    response: hostAccepted,
  }),
  showHost: defineRoute({
    method: 'GET',
    path: '/api/hosts/:host',
    summary: 'One host.',
    params: hostParam,
    response: z.strictObject({ host: hostView }),
  }),
  installHost: defineRoute({
    method: 'POST',
    path: '/api/hosts/:host/install',
    summary: 'Installs the agent again, with the same identity. Changes nothing where nothing is amiss.',
    status: 202,
    params: hostParam,
    response: hostAccepted,
  }),
  removeHost: defineRoute({
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
  changeHost: defineRoute({
    method: 'PATCH',
    path: '/api/hosts/:host',
    summary:
      'Changes labels, heartbeat profile or automatic reinstallation of a host. What is left out stays.',
    params: hostParam,
    body: hostChange,
    response: z.strictObject({ host: hostView }),
  }),
  hostStatus: defineRoute({
    method: 'GET',
    path: '/api/hosts/:host/status',
    summary: 'What the host last reported of itself, and how its agent is called.',
    params: hostParam,
    response: hostStatus,
  }),
  hostHistory: defineRoute({
    method: 'GET',
    path: '/api/hosts/:host/history',
    summary: 'The states that the host has been in, newest first, each with its reason.',
    params: hostParam,
    query: historyQuery,
    response: z.strictObject({ events: z.array(hostEvent) }),
  }),
  hostSamples: defineRoute({
    method: 'GET',
    path: '/api/hosts/:host/samples',
    summary: 'Load, CPU, memory and disks over time, oldest first.',
    params: hostParam,
    query: sampleQuery,
    response: z.strictObject({ samples: z.array(hostSample) }),
  }),
  scanHostKey: defineRoute({
    method: 'POST',
    path: '/api/host-keys',
    summary:
      'The SSH host key that an address shows now, to be compared before it is trusted. Nothing is stored.',
    body: newHost.pick({ address: true, port: true }),
    response: z.strictObject({ fingerprint: sshFingerprint, algorithm: z.string() }),
  }),

  listAgents: defineRoute({
    method: 'GET',
    path: '/api/agents',
    summary: 'Every agent as the roll knows it, by the name of its host.',
    query: agentQuery,
    response: agentList,
  }),
  clusterHealth: defineRoute({
    method: 'GET',
    path: '/api/cluster/health',
    summary: 'How many hosts are well.',
    response: clusterHealth,
  }),
  metrics: defineRoute({
    method: 'GET',
    path: '/metrics',
    summary: 'Metrics in the text format of Prometheus.',
    response: z.string(),
  }),
  listHeartbeatProfiles: defineRoute({
    method: 'GET',
    path: '/api/heartbeat-profiles',
    summary: 'How often which agents are called.',
    response: z.strictObject({ profiles: z.array(heartbeatProfile) }),
  }),
  addHeartbeatProfile: defineRoute({
    method: 'POST',
    path: '/api/heartbeat-profiles',
    summary: 'Adds a heartbeat profile.',
    status: 201,
    body: newHeartbeatProfile,
    response: z.strictObject({ profile: heartbeatProfile }),
  }),
  changeHeartbeatProfile: defineRoute({
    method: 'PATCH',
    path: '/api/heartbeat-profiles/:profile',
    summary: 'Changes a heartbeat profile, for its hosts from their next call on. What is left out stays.',
    params: profileParam,
    body: heartbeatProfileChange,
    response: z.strictObject({ profile: heartbeatProfile }),
  }),
  removeHeartbeatProfile: defineRoute({
    method: 'DELETE',
    path: '/api/heartbeat-profiles/:profile',
    summary: 'Removes a heartbeat profile that no host names.',
    params: profileParam,
    response: z.strictObject({}),
  }),

  run: defineRoute({
    method: 'POST',
    path: '/api/runs',
    summary:
      'Runs a program on hosts. Once this has answered, the commands survive anything but the loss of the database.',
    status: 202,
    body: newRun,
    response: runAccepted,
  }),
  listRuns: defineRoute({
    method: 'GET',
    path: '/api/runs',
    summary: 'Runs of programs, newest first.',
    query: runQuery,
    response: z.strictObject({ runs: z.array(runView) }),
  }),
  showRun: defineRoute({
    method: 'GET',
    path: '/api/runs/:id',
    summary: 'One run, with how many of its hosts are in which state. Follow it live on /ws.',
    params: runParam,
    response: z.strictObject({ run: runView }),
  }),
  summarizeRun: defineRoute({
    method: 'GET',
    path: '/api/runs/:id/summary',
    summary: 'The hosts of a run, grouped by equal outcome and output, the largest group first.',
    params: runParam,
    response: runSummary,
  }),
  cancelRun: defineRoute({
    method: 'POST',
    path: '/api/runs/:id/cancel',
    summary: 'Asks every command of a run to end. Those that have ended stay as they are.',
    status: 202,
    params: runParam,
    response: z.strictObject({ run: runView }),
  }),
  listCommands: defineRoute({
    method: 'GET',
    path: '/api/commands',
    summary: 'Commands, newest first.',
    query: commandQuery,
    response: z.strictObject({ commands: z.array(commandView) }),
  }),
  showCommand: defineRoute({
    method: 'GET',
    path: '/api/commands/:id',
    summary: 'One command.',
    params: commandParam,
    response: z.strictObject({ command: commandView }),
  }),
  readOutput: defineRoute({
    method: 'GET',
    path: '/api/commands/:id/output',
    summary: 'Output from a byte offset on, as it is stored now. Follow it live on /ws.',
    params: commandParam,
    query: outputQuery,
    response: commandOutput,
  }),
  cancelCommand: defineRoute({
    method: 'POST',
    path: '/api/commands/:id/cancel',
    summary: 'Asks a command to end. One that has ended stays as it is.',
    status: 202,
    params: commandParam,
    response: z.strictObject({ command: commandView }),
  }),
  writeInput: defineRoute({
    method: 'POST',
    path: '/api/commands/:id/input',
    summary: 'Writes to the standard input or terminal of a running command.',
    params: commandParam,
    body: commandInput,
    response: z.strictObject({ nextOffset: z.int() }),
  }),
  resizeTerminal: defineRoute({
    method: 'POST',
    path: '/api/commands/:id/size',
    summary: 'Tells a running terminal its new size.',
    params: commandParam,
    body: terminalSize,
    response: z.strictObject({}),
  }),

  listSavedCommands: defineRoute({
    method: 'GET',
    path: '/api/saved-commands',
    summary: 'All saved commands, by name.',
    response: z.strictObject({ savedCommands: z.array(savedCommandView) }),
  }),
  addSavedCommand: defineRoute({
    method: 'POST',
    path: '/api/saved-commands',
    summary: 'Saves a command under a name.',
    status: 201,
    body: newSavedCommand,
    response: z.strictObject({ savedCommand: savedCommandView }),
  }),
  showSavedCommand: defineRoute({
    method: 'GET',
    path: '/api/saved-commands/:name',
    summary: 'One saved command.',
    params: nameParam,
    response: z.strictObject({ savedCommand: savedCommandView }),
  }),
  changeSavedCommand: defineRoute({
    method: 'PATCH',
    path: '/api/saved-commands/:name',
    summary: 'Changes a saved command. Runs that were asked for before stay as they are.',
    params: nameParam,
    body: changedSavedCommand,
    response: z.strictObject({ savedCommand: savedCommandView }),
  }),
  removeSavedCommand: defineRoute({
    method: 'DELETE',
    path: '/api/saved-commands/:name',
    summary: 'Forgets a saved command. Refused while a schedule runs it.',
    params: nameParam,
    response: z.strictObject({}),
  }),
  runSavedCommand: defineRoute({
    method: 'POST',
    path: '/api/saved-commands/:name/run',
    summary: 'Runs a saved command, where it says or elsewhere.',
    status: 202,
    params: nameParam,
    body: savedRun,
    response: runAccepted,
  }),

  listSchedules: defineRoute({
    method: 'GET',
    path: '/api/schedules',
    summary: 'All schedules, by name, with what comes next and what became of the last ones.',
    response: z.strictObject({ schedules: z.array(scheduleView) }),
  }),
  addSchedule: defineRoute({
    method: 'POST',
    path: '/api/schedules',
    summary: 'Runs something by the clock of a time zone from now on.',
    status: 201,
    body: newSchedule,
    response: z.strictObject({ schedule: scheduleView }),
  }),
  showSchedule: defineRoute({
    method: 'GET',
    path: '/api/schedules/:name',
    summary: 'One schedule.',
    params: nameParam,
    response: z.strictObject({ schedule: scheduleView }),
  }),
  changeSchedule: defineRoute({
    method: 'PATCH',
    path: '/api/schedules/:name',
    summary: 'Changes, pauses or resumes a schedule.',
    params: nameParam,
    body: changedSchedule,
    response: z.strictObject({ schedule: scheduleView }),
  }),
  removeSchedule: defineRoute({
    method: 'DELETE',
    path: '/api/schedules/:name',
    summary: 'Forgets a schedule. Its runs stay.',
    params: nameParam,
    response: z.strictObject({}),
  }),
} as const

export type AdminRoutes = typeof ADMIN_ROUTES
export type AdminRouteName = keyof AdminRoutes
export type AdminResponse<N extends AdminRouteName> = z.output<AdminRoutes[N]['response']>
