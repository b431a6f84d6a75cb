import { z } from 'zod'
import { commandView } from '../commands/schemas.ts'
import { hostReference } from '../hosts/reference.ts'
import { defineRoute, idParam } from '../route.ts'
import { serviceReference, slot } from './names.ts'
import {
  newInstanceExec,
  newInstanceLogs,
  newServiceLogs,
  newServiceOperation,
  serviceOperated,
} from './operations.ts'
import { instanceWhy } from './placements.ts'
import {
  newServicePlan,
  servicePlanAnswer,
  servicePlanApplied,
  servicePlanText,
  servicePlanView,
} from './plans.ts'
import {
  revisionView,
  serviceDetail,
  serviceEvent,
  serviceEventsQuery,
  serviceListed,
  servicesQuery,
} from './schemas.ts'

const serviceParam = z.strictObject({ service: serviceReference })
const instanceParam = z.strictObject({
  service: serviceReference,
  slot: z.coerce.number().pipe(slot),
})

/**
 * Services. A service is visible with the hosts of its instances, and instances outside of the caller's labels are not; one without
 * instances is visible to those whose labels are the ones that it was applied with. Changes need all of its hosts.
 */
export const SERVICES_ROUTES = {
  planServices: defineRoute('POST', '/api/service-plans', {
    summary:
      'Reads a Compose file and plans it: what is new, changed, unchanged or left behind, and where each instance would go. Answers every fault at once. Nothing is started.',
    access: 'services:write',
    scope: 'filtered',
    audit: 'always',
    body: newServicePlan,
    response: servicePlanAnswer,
  }),
  showServicePlan: defineRoute('GET', '/api/service-plans/:id', {
    summary: 'Returns a plan. Those that were never applied are kept for a day.',
    access: 'services:write',
    scope: 'filtered',
    audit: 'refusals',
    params: idParam,
    response: z.strictObject({ plan: servicePlanView }),
  }),
  showServicePlanText: defineRoute('GET', '/api/service-plans/:id/text', {
    summary: 'Returns the file of a plan, with the files that it names and the names of its variables.',
    access: 'services:write',
    scope: 'filtered',
    audit: 'always',
    params: idParam,
    response: servicePlanText,
  }),
  applyServicePlan: defineRoute('POST', '/api/service-plans/:id/apply', {
    summary:
      'Applies a plan. It is made anew first and refused where it differs by now: service.plan_outdated. The same plan again answers the same.',
    access: 'services:write',
    scope: 'filtered',
    audit: 'always',
    status: 202,
    params: idParam,
    response: servicePlanApplied,
  }),
  listServices: defineRoute('GET', '/api/services', {
    summary: 'Lists services by project and name, with their instances.',
    access: 'services:read',
    scope: 'filtered',
    audit: 'refusals',
    query: servicesQuery,
    response: z.strictObject({ services: z.array(serviceListed) }),
  }),
  showService: defineRoute('GET', '/api/services/:service', {
    summary: 'Returns a service with its instances.',
    access: 'services:read',
    scope: 'filtered',
    audit: 'refusals',
    params: serviceParam,
    response: serviceDetail,
  }),
  listServiceRevisions: defineRoute('GET', '/api/services/:service/revisions', {
    summary: 'Lists the revisions of a service, the newest first, each compared with the one before.',
    access: 'services:read',
    scope: 'filtered',
    audit: 'refusals',
    params: serviceParam,
    response: z.strictObject({ revisions: z.array(revisionView) }),
  }),
  listServiceEvents: defineRoute('GET', '/api/services/:service/events', {
    summary: 'Lists what happened to a service and its instances, the newest first.',
    access: 'services:read',
    scope: 'filtered',
    audit: 'refusals',
    params: serviceParam,
    query: serviceEventsQuery,
    response: z.strictObject({ events: z.array(serviceEvent) }),
  }),
  explainInstance: defineRoute('GET', '/api/services/:service/instances/:slot/why', {
    summary: 'Says why an instance is where it is, or nowhere; and how a host that is named is judged now.',
    access: 'services:read',
    scope: { filtered: { host: 'query.host' } },
    audit: 'refusals',
    params: instanceParam,
    query: z.strictObject({ host: hostReference.optional() }),
    response: instanceWhy,
  }),
} as const

/** Operations on what is there. */
export const SERVICE_OPERATIONS_ROUTES = {
  operateService: defineRoute('POST', '/api/services/:service/operations', {
    summary:
      'Starts, stops, restarts or removes a service, or starts, stops or restarts some of its instances. Volumes stay unless they are named.',
    access: 'services:write',
    scope: 'filtered',
    audit: 'always',
    status: 202,
    params: serviceParam,
    body: newServiceOperation,
    response: serviceOperated,
  }),
  readInstanceLogs: defineRoute('POST', '/api/services/:service/instances/:slot/logs', {
    summary:
      'Begins to read the log of an instance. It is a command, whose output is read and followed as of any other.',
    access: 'services:read',
    scope: 'filtered',
    audit: 'refusals',
    status: 202,
    params: instanceParam,
    body: newInstanceLogs,
    response: z.strictObject({ command: commandView }),
  }),
  readServiceLogs: defineRoute('POST', '/api/services/:service/logs', {
    summary:
      'Begins to read the logs of all instances of a service: a command each. Every line begins with its time, so that they can be merged.',
    access: 'services:read',
    scope: 'filtered',
    audit: 'refusals',
    status: 202,
    params: serviceParam,
    body: newServiceLogs,
    response: z.strictObject({ commands: z.array(commandView) }),
  }),
  execInInstance: defineRoute('POST', '/api/services/:service/instances/:slot/exec', {
    summary:
      'Runs a program in a container of an instance. It is a command, with output and input as any other.',
    access: 'services:exec',
    scope: 'filtered',
    audit: 'always',
    status: 202,
    params: instanceParam,
    body: newInstanceExec,
    response: z.strictObject({ command: commandView }),
  }),
} as const
