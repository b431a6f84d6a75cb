import { type Container, type ContainerEngineName, MAX_CONTAINERS } from '@rollcall/contracts/agent'
import { DOCKER_FORMAT, parseDocker, parsePodman } from './container-answers.ts'

/** Runs the engine's program and resolves to what it printed; rejects when it did not end well. */
export type AskEngine = (args: readonly string[], options?: { tolerates?: RegExp }) => Promise<string>

/** What an engine found: all of its containers, or the first of so many. */
export interface Found {
  containers: Container[]
  total: number
}

/** How each engine is asked for its containers. The words are fixed: nothing that a caller said is among them. */
export const ENGINE_QUESTIONS: Record<ContainerEngineName, (ask: AskEngine) => Promise<Found>> = {
  async podman(ask) {
    const containers = parsePodman(await ask(['ps', '--all', '--format', 'json']))
    return { containers, total: containers.length }
  },
  async docker(ask) {
    const ids = (await ask(['ps', '--all', '--no-trunc', '--quiet']))
      .split('\n')
      .filter((line) => /^[0-9a-f]{12,64}$/.test(line))
    if (ids.length === 0) return { containers: [], total: 0 }
    const asked = ids.slice(0, MAX_CONTAINERS)
    // One that was removed between the two questions is told on standard error, and the others all the same.
    const inspected = await ask(['inspect', '--type', 'container', '--format', DOCKER_FORMAT, ...asked], {
      tolerates: /^(error( response from daemon)?: no such container: [0-9a-f]+\s*)+$/i,
    })
    const containers = parseDocker(inspected)
    return { containers, total: ids.length - asked.length + containers.length }
  },
}

/**
 * Where the engine's program is to look, whatever root's own settings say: a client may be set up to talk to another
 * host's engine, whose containers are not ours to tell.
 */
export const ENGINE_ENVIRONMENT: Record<ContainerEngineName, Record<string, string>> = {
  podman: {},
  docker: { DOCKER_HOST: 'unix:///run/docker.sock' },
}
