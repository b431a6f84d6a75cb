import { z } from 'zod'
import { defineRoute } from '../route.ts'
import { target } from '../targets.ts'
import { rotationHost, rotationsStarted, serverIdentities } from './schemas.ts'

/** Credentials of agents: how old they are, and new ones. */
export const ROTATIONS_ROUTES = {
  startRotation: defineRoute('POST', '/api/rotations', {
    summary:
      'Gives agents new credentials. It continues through restarts of the server and absences of a host; one under way just continues.',
    access: 'hosts:write',
    scope: 'filtered',
    audit: 'always',
    status: 202,
    body: target,
    response: rotationsStarted,
  }),
  listRotations: defineRoute('GET', '/api/rotations', {
    summary: 'Lists the age of the credentials of each agent, and rotations under way.',
    access: 'hosts:read',
    scope: 'filtered',
    audit: 'refusals',
    response: z.strictObject({ hosts: z.array(rotationHost) }),
  }),
  listServerIdentities: defineRoute('GET', '/api/server-identities', {
    summary: 'Lists the certificates by which agents know the servers.',
    access: 'hosts:read',
    scope: 'whole-fleet',
    audit: 'refusals',
    response: serverIdentities,
  }),
  renewServerIdentity: defineRoute('POST', '/api/server-identities', {
    summary:
      'Creates a new certificate for the servers and starts giving it to every agent by a rotation. Until an agent has it, it is called with the one it knows.',
    access: 'identity:write',
    scope: 'whole-fleet',
    audit: 'always',
    status: 202,
    response: serverIdentities,
  }),
} as const
