import { type ContainerSpec, readServices, type ServiceSpec } from '../index.ts'

const FOOT = 'volumes: {d: }\nconfigs: {c: {content: x}}\n'

/** Reads a service with one key more than its image. Returns the service, or the reasons why it is refused. */
export function readKey(line: string): ServiceSpec | string[] {
  const { spec, faults } = readServices(`services:\n  web:\n    image: n:1\n    ${line}\n${FOOT}`)
  return spec?.groups[0]?.services[0] ?? faults.map(({ reason }) => reason)
}

/** Does the same for a service with a container. Returns the container. */
export function readContainer(line: string): ContainerSpec | string[] {
  const service = readKey(line)
  if (Array.isArray(service)) return service
  if (service.runs.kind !== 'container') throw new Error('the service has no container')
  return service.runs.container
}

export const isRefused = (line: string): boolean => Array.isArray(readKey(line))
