import { z } from 'zod'

export const projectName = z
  .string()
  .regex(/^[a-z0-9][a-z0-9_-]{0,62}$/, 'must be a project name: lower-case letters, digits, - and _')
const SERVICE_NAME = /^(?!.*\.\.)[A-Za-z0-9](?:[A-Za-z0-9._-]{0,61}[A-Za-z0-9])?$/
export const serviceName = z.string().regex(SERVICE_NAME, 'must be the name of a service')

/** A service: its id, or `PROJECT/NAME`. A name has a slash, an id has none. */
export const serviceReference = z
  .string()
  .regex(
    /^(?:[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}|[a-z0-9][a-z0-9_-]{0,62}\/[A-Za-z0-9][A-Za-z0-9._-]{0,62})$/,
    'must be an id, or PROJECT/NAME',
  )
/** Names the unit and the folder of an instance on its host. */
export const instanceId = z.string().regex(/^[0-9a-f]{8}$/, 'must be 8 lower-case hexadecimal digits')
export const generation = z.int().min(1)
export const slot = z.int().min(1).max(100_000)
export const MAX_REPLICAS = 10_000
