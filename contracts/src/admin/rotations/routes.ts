import { z } from 'zod'
import { defineRoute } from '../route.ts'
import { target } from '../targets.ts'
import { rotationHost, rotationsStarted, serverIdentities } from './schemas.ts'

/** Credentials of agents: how old they are, and new ones. */
export const ROTATIONS_ROUTES = {
  startRotation: defineRoute({
    method: 'POST',
    path: '/api/rotations',
    summary:
      'Gives agents new credentials. It goes on by itself, over a restart of the server and the absence of a host; one that is under way already goes on.',
    access: 'hosts:write',
    scope: 'filtered',
    audit: 'always',
    status: 202,
    body: target,
    response: rotationsStarted,
  }),
  listRotations: defineRoute({
    method: 'GET',
    path: '/api/rotations',
    summary: 'How old the credentials of each agent are, and rotations that are under way.',
    access: 'hosts:read',
    scope: 'filtered',
    audit: 'refusals',
    response: z.strictObject({ hosts: z.array(rotationHost) }),
  }),
  listServerIdentities: defineRoute({
    method: 'GET',
    path: '/api/server-identities',
    summary: 'The certificates by which agents know the servers of this fleet.',
    access: 'hosts:read',
    scope: 'whole-fleet',
    audit: 'refusals',
    response: serverIdentities,
  }),
  renewServerIdentity: defineRoute({
    method: 'POST',
    path: '/api/server-identities',
    summary:
      'Makes a new certificate for the servers and begins to give it to every agent, by a rotation of its credentials. Until an agent has it, it is called with the one that it knows.',
    access: 'identity:write',
    scope: 'whole-fleet',
    audit: 'always',
    status: 202,
    response: serverIdentities,
  }),
} as const
