import { z } from 'zod'
import { plainText, spkiPin, uuid } from '../../text.ts'
import { skippedHost } from '../runs/schemas.ts'

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

export const serverIdentities = z.strictObject({
  /** The newest first: that one is given to every agent that gets credentials. */
  identities: z.array(
    z.strictObject({
      pin: spkiPin,
      createdAt: z.iso.datetime(),
      /** So many know the servers by it. */
      agents: z.int().min(0),
    }),
  ),
})
