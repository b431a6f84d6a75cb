import { z } from 'zod'
import { base64Url, spkiPin, uuid } from '../text.ts'
import { defineMethod } from './method.ts'

/** The random part of an agent's URL. */
export const rpcPath = z.string().regex(/^[A-Za-z0-9]{16,32}$/, 'must be 16 to 32 letters and digits')

const pem = (kind: string) =>
  z
    .string()
    .max(16_384)
    .regex(
      new RegExp(`^-----BEGIN ${kind}-----\\n[A-Za-z0-9+/=\\n]+-----END ${kind}-----\\n$`),
      `must be a ${kind} in PEM`,
    )

/** Everything by which an agent and its servers know each other, whole: what is not rotated is repeated. */
export const credentialSet = z.strictObject({
  agent_token: base64Url(32, 128),
  secret_key: base64Url(32, 128),
  rpc_path: rpcPath,
  server_pins: z.array(spkiPin).min(1).max(8),
  certificate: pem('CERTIFICATE'),
  private_key: pem('PRIVATE KEY'),
})
export type CredentialSet = z.infer<typeof credentialSet>

/**
 * The server name (TLS SNI) by which a caller asks to see the staged certificate. Under any other name, and without one,
 * the agent shows the present one; once the staged one is committed, it is shown under every name.
 */
export const STAGED_SERVER_NAME = 'staged.rollcall.invalid'

export const CREDENTIAL_METHODS = {
  stage_credentials: defineMethod({
    summary:
      'Keeps a second set of credentials, on the disk when it answers. Both sets are accepted until the new one is committed. Another rotation takes the place of one that was never committed.',
    params: z.strictObject({ rotation_id: uuid, credentials: credentialSet }),
    result: z.strictObject({ rotation_id: uuid, status: z.enum(['staged', 'committed']) }),
    reachedBy: ['renewServerIdentity', 'startRotation'],
    effect: 'idempotent',
  }),
  commit_credentials: defineMethod({
    summary:
      'Makes the staged credentials the only ones, on the disk when it answers. Taken only from a caller that uses them, so that nobody is locked out by credentials that do not work.',
    params: z.strictObject({ rotation_id: uuid }),
    result: z.strictObject({ rotation_id: uuid, status: z.literal('committed') }),
    reachedBy: ['renewServerIdentity', 'startRotation'],
    effect: 'idempotent',
  }),
} as const
