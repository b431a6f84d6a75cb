import type { Host } from '../../bed/index.ts'
import { type DesiredService, toReference } from './desired-fleet.ts'
import type { ShownService } from './judge-fleet.ts'
import type { Violation } from './violation.ts'

const TIMEOUT_MS = 5000

/** Asks each instance with a port for its page, from outside its host. Returns those that answer with another instance, or not. */
export async function readPages(
  hosts: readonly Host[],
  shown: readonly ShownService[],
  desired: readonly DesiredService[],
): Promise<Violation[]> {
  const asked = desired
    .filter(({ kind, wanted }) => kind === 'page' && wanted === 'running')
    .flatMap(({ revision, ...one }) => {
      const found = shown.find(({ service }) => toReference(service) === toReference(one))
      return (found?.instances ?? []).map(async ({ id, name, host, generation, ports }) => {
        const address = hosts.find((each) => each.name === host?.name)?.address
        const expected = `${id} ${generation} ${revision}`
        const answer = await readPage(`http://${address}:${ports[0]?.published}/`)
        if (answer === expected) return []
        const text = `${name}, port ${ports[0]?.published} of ${host?.name}, answers "${answer}" in place of "${expected}"`
        return [{ kind: 'untrue' as const, instance: id, text }]
      })
    })
  return (await Promise.all(asked)).flat()
}

const readPage = (url: string): Promise<string> =>
  fetch(url, { signal: AbortSignal.timeout(TIMEOUT_MS) }).then(
    (response) => response.text(),
    (error: Error) => `${error.message}, ${error.cause}`,
  )
