import {
  type LiveEvent,
  SERVICES_EVENT_INSTANCES,
  SERVICES_EVENT_MARKS,
  SERVICES_EVENT_SERVICES,
} from '@rollcall/contracts/admin'

type ServicesEvent = LiveEvent & { type: 'services' }
type Difference = Pick<
  ServicesEvent,
  'services' | 'marks' | 'instances' | 'removedServices' | 'removedInstances'
>

const part = <T>(items: readonly T[], size: number, index: number) =>
  items.slice(index * size, (index + 1) * size)

/** Returns the messages that tell viewers of a difference: none where nothing is new, at least one for a snapshot. */
export function toServicesEvents(
  serviceId: string | undefined,
  { services, marks, instances, removedServices, removedInstances }: Difference,
  isSnapshot: boolean,
): string[] {
  const count = Math.max(
    isSnapshot || removedServices.length + removedInstances.length > 0 ? 1 : 0,
    Math.ceil(services.length / SERVICES_EVENT_SERVICES),
    Math.ceil(marks.length / SERVICES_EVENT_MARKS),
    Math.ceil(instances.length / SERVICES_EVENT_INSTANCES),
  )
  return Array.from({ length: count }, (_none, index) => {
    const isComplete = index === count - 1
    const event: ServicesEvent = {
      type: 'services',
      serviceId: serviceId ?? null,
      isSnapshot,
      isComplete,
      services: part(services, SERVICES_EVENT_SERVICES, index),
      marks: part(marks, SERVICES_EVENT_MARKS, index),
      instances: part(instances, SERVICES_EVENT_INSTANCES, index),
      removedServices: isComplete ? removedServices : [],
      removedInstances: isComplete ? removedInstances : [],
    }
    return JSON.stringify(event)
  })
}
