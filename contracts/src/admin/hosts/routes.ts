import { z } from 'zod'
import { defineRoute } from '../route.ts'
import { hostParam, hostShown, hostView } from './schemas.ts'

/** The hosts of the fleet. */
export const HOSTS_ROUTES = {
  listHosts: defineRoute('GET', '/api/hosts', {
    summary: 'Lists hosts by name.',
    access: 'hosts:read',
    scope: 'filtered',
    audit: 'refusals',
    response: z.strictObject({ hosts: z.array(hostView) }),
  }),
  showHost: defineRoute('GET', '/api/hosts/:host', {
    summary: 'Returns one host.',
    access: 'hosts:read',
    scope: { host: 'params.host' },
    audit: 'refusals',
    params: hostParam,
    response: hostShown,
  }),
} as const
