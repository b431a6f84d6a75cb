import { z } from 'zod'
import { neverAnId, uuid } from '../../text.ts'

/** The largest value of a secret. */
export const MAX_SECRET_BYTES = 65_536
const MAX_BASE64_LENGTH = Math.ceil(MAX_SECRET_BYTES / 3) * 4

/** The name of a secret, as service files may write it. */
export const secretName = z
  .string()
  .min(1)
  .max(128)
  .regex(
    /^(?!.*\.\.)[A-Za-z0-9][A-Za-z0-9_.-]*$/,
    'must be letters, digits, dots, dashes and underscores, with a letter or digit first and no ".."',
  )

/** Returns how many bytes a text of base64 stands for. */
export const base64Bytes = (base64: string): number =>
  (base64.length / 4) * 3 - (base64.endsWith('==') ? 2 : base64.endsWith('=') ? 1 : 0)

const TOO_LARGE = `must be at most ${MAX_SECRET_BYTES / 1024} KiB`
const secretData = z
  .base64('must be base64')
  .min(1, 'must not be empty')
  .max(MAX_BASE64_LENGTH, TOO_LARGE)
  .refine((base64) => base64Bytes(base64) <= MAX_SECRET_BYTES, TOO_LARGE)

export const settableSecret = z.strictObject({
  name: neverAnId(secretName),
  /** The value in base64, since it may be any bytes. */
  data: secretData,
})
export type SettableSecret = z.infer<typeof settableSecret>

export const secretView = z.strictObject({
  id: uuid,
  name: z.string(),
  /** The newest version, counted from 1. */
  version: z.int().min(1),
  /** The size of the newest version. */
  bytes: z.int().min(1),
  createdBy: z.string(),
  createdAt: z.iso.datetime(),
  /** When the newest version was set. */
  updatedAt: z.iso.datetime(),
  /** Names of the services that use one of its versions now; it cannot be removed meanwhile. */
  usedBy: z.array(z.string()).max(100),
})
export type SecretView = z.infer<typeof secretView>

export const secretVersionView = z.strictObject({
  version: z.int().min(1),
  bytes: z.int().min(1),
  /** False if it has a NUL, which no environment variable can hold. */
  fitsEnvironment: z.boolean(),
  createdBy: z.string(),
  createdAt: z.iso.datetime(),
  usedBy: z.array(z.string()).max(100),
})
export type SecretVersionView = z.infer<typeof secretVersionView>
