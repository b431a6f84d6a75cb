import { z } from 'zod'
import { plainText, uuid } from '../text.ts'
import { defineRoute } from './route.ts'
import { skippedHost } from './runs.ts'
import { target } from './targets.ts'

export const newRotation = target
export type NewRotation = z.infer<typeof newRotation>

/**
 * - `made`: the new credentials are kept by the server; the agent may not know them yet.
 * - `staged`: the agent takes both.
 * - `switched`: the new ones have worked and are used; the agent may not have dropped the old ones yet.
 */
export const rotationPhase = z.enum(['made', 'staged', 'switched'])

export const rotationHost = z.strictObject({
  host: z.strictObject({ id: uuid, name: z.string() }),
  /** Since when the credentials that are used are. */
  credentialsAt: z.iso.datetime(),
  /** When a rotation last came to its end. */
  rotatedAt: z.iso.datetime().nullable(),
  /** The one that is under way. */
  rotation: z
    .strictObject({
      id: uuid,
      phase: rotationPhase,
      requestedBy: z.string(),
      startedAt: z.iso.datetime(),
      /** Turns in a row that came no further, and why the last one did not. */
      failures: z.int().min(0),
      reasonCode: z.string().nullable(),
      reason: plainText(2000).nullable(),
    })
    .nullable(),
})
export type RotationHost = z.infer<typeof rotationHost>

export const rotationsStarted = z.strictObject({
  hosts: z.array(rotationHost),
  skipped: z.array(skippedHost),
})
export type RotationsStarted = z.infer<typeof rotationsStarted>

/** Credentials of agents: how old they are, and new ones. */
export const ROTATION_ROUTES = {
  startRotation: defineRoute({
    access: 'hosts:write',
    method: 'POST',
    path: '/api/rotations',
    summary:
      'Gives agents new credentials. It goes on by itself, over a restart of the server and the absence of a host; one that is under way already goes on.',
    status: 202,
    body: newRotation,
    response: rotationsStarted,
  }),
  listRotations: defineRoute({
    access: 'hosts:read',
    method: 'GET',
    path: '/api/rotations',
    summary: 'How old the credentials of each agent are, and rotations that are under way.',
    response: z.strictObject({ hosts: z.array(rotationHost) }),
  }),
} as const
