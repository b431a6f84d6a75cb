import { z } from 'zod'
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
import { hostView } from './hosts.ts'
import { defineRoute } from './route.ts'

const hostParam = z.strictObject({ host: z.string().min(1).max(63).describe('name or id') })

/** What the roll knows of hosts, and how often it is called. */
export const FLEET_ROUTES = {
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
} as const
