import { z } from 'zod'
import { hostParam } from '../hosts/schemas.ts'
import { defineRoute } from '../route.ts'
import { heartbeatProfile, heartbeatProfileChange, newHeartbeatProfile, profileParam } from './profiles.ts'
import {
  agentList,
  agentQuery,
  clusterHealth,
  historyQuery,
  hostEvent,
  hostSample,
  hostStatus,
  sampleQuery,
  sparkline,
  sparklineQuery,
} from './schemas.ts'

/** The states of hosts by their heartbeats, and how often they are called. */
export const HEARTBEATS_ROUTES = {
  hostStatus: defineRoute('GET', '/api/hosts/:host/status', {
    summary: 'Returns the last report of a host, and how often its agent is called.',
    access: 'hosts:read',
    scope: { host: 'params.host' },
    audit: 'refusals',
    params: hostParam,
    response: hostStatus,
  }),
  hostHistory: defineRoute('GET', '/api/hosts/:host/history', {
    summary: 'Lists the states of a host, newest first, each with its reason.',
    access: 'hosts:read',
    scope: { host: 'params.host' },
    audit: 'refusals',
    params: hostParam,
    query: historyQuery,
    response: z.strictObject({ events: z.array(hostEvent) }),
  }),
  hostSamples: defineRoute('GET', '/api/hosts/:host/samples', {
    summary: 'Returns load, CPU, memory and disks over time, oldest first.',
    access: 'hosts:read',
    scope: { host: 'params.host' },
    audit: 'refusals',
    params: hostParam,
    query: sampleQuery,
    response: z.strictObject({ samples: z.array(hostSample) }),
  }),
  listAgents: defineRoute('GET', '/api/agents', {
    summary: 'Lists agents with their state and last values.',
    access: 'hosts:read',
    scope: 'filtered',
    audit: 'refusals',
    query: agentQuery,
    response: agentList,
  }),
  sparklines: defineRoute('GET', '/api/agents/sparklines', {
    summary: 'Returns CPU and memory of the last three hours, for several hosts at once.',
    access: 'hosts:read',
    scope: 'filtered',
    audit: 'refusals',
    query: sparklineQuery,
    response: z.strictObject({ sparklines: z.array(sparkline) }),
  }),
  clusterHealth: defineRoute('GET', '/api/cluster/health', {
    summary: 'Returns how many hosts are healthy.',
    access: 'hosts:read',
    scope: 'filtered',
    audit: 'refusals',
    response: clusterHealth,
  }),
  listHeartbeatProfiles: defineRoute('GET', '/api/heartbeat-profiles', {
    summary: 'Lists heartbeat profiles: how often agents are called.',
    access: 'profiles:read',
    scope: 'filtered',
    audit: 'refusals',
    response: z.strictObject({ profiles: z.array(heartbeatProfile) }),
  }),
  addHeartbeatProfile: defineRoute('POST', '/api/heartbeat-profiles', {
    summary: 'Adds a heartbeat profile.',
    access: 'profiles:write',
    scope: 'whole-fleet',
    audit: 'always',
    status: 201,
    body: newHeartbeatProfile,
    response: z.strictObject({ profile: heartbeatProfile }),
  }),
  changeHeartbeatProfile: defineRoute('PATCH', '/api/heartbeat-profiles/:profile', {
    summary:
      'Changes a heartbeat profile, from the next call of its hosts on. Fields that are left out stay.',
    access: 'profiles:write',
    scope: 'whole-fleet',
    audit: 'always',
    params: profileParam,
    body: heartbeatProfileChange,
    response: z.strictObject({ profile: heartbeatProfile }),
  }),
  removeHeartbeatProfile: defineRoute('DELETE', '/api/heartbeat-profiles/:profile', {
    summary: 'Removes a heartbeat profile that no host is assigned to.',
    access: 'profiles:write',
    scope: 'whole-fleet',
    audit: 'always',
    params: profileParam,
    response: z.strictObject({}),
  }),
} as const
