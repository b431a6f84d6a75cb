import { z } from 'zod'
import { PROJECT_NAME, SERVICE_NAME, SERVICE_REFERENCE } from '../../service-names.ts'

export const projectName = z
  .string()
  .regex(PROJECT_NAME.pattern, `must be a project name: ${PROJECT_NAME.form}`)
export const serviceName = z
  .string()
  .regex(SERVICE_NAME.pattern, `must be the name of a service: ${SERVICE_NAME.form}`)

/** A service: its id, or `PROJECT/NAME`. A name has a slash, an id has none. */
export const serviceReference = z.string().regex(SERVICE_REFERENCE, 'must be an id, or PROJECT/NAME')
/** Names the unit and the folder of an instance on its host. */
export const instanceId = z.string().regex(/^[0-9a-f]{8}$/, 'must be 8 lower-case hexadecimal digits')
export const generation = z.int().min(1)
export const slot = z.int().min(1).max(100_000)
export const MAX_REPLICAS = 10_000
