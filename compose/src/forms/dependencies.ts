import { SERVICE_NAME } from '@rollcall/contracts'
import { list, named } from '../read/collections.ts'
import { mapping, otherwise, taken } from '../read/keys.ts'
import { choice, flag, text } from '../read/scalars.ts'
import { byKind, converted, type Named, placed, type Shape } from '../read/shape.ts'

export interface Dependency {
  condition: 'started' | 'healthy' | 'completed'
  isRequired: boolean
}

const CONDITIONS = {
  service_started: 'started',
  service_healthy: 'healthy',
  service_completed_successfully: 'completed',
} as const

const serviceName = text({ form: 'the name of a service', max: 63 })

/** Services that a service waits for, as a list of names or as a mapping with conditions. */
export const dependencies: Shape<Named<Dependency>[]> = byKind({
  list: converted(list(placed(serviceName), 'a list of services'), (names) =>
    names.map(({ place, value }) => ({
      name: value,
      place,
      value: { condition: 'started' as const, isRequired: true },
    })),
  ),
  map: named(
    converted(
      mapping(
        {
          condition: taken(
            choice(['service_started', 'service_healthy', 'service_completed_successfully']),
            'what to wait for',
          ),
          required: taken(flag, 'false: the other service may be missing'),
          restart: otherwise(flag, 'a service is not restarted because another one was'),
        },
        { of: 'a dependency', isOptional: true },
      ),
      ({ condition = 'service_started', required: isRequired = true }) => ({
        condition: CONDITIONS[condition],
        isRequired,
      }),
    ),
    { ...SERVICE_NAME, of: 'a service' },
  ),
})
