import { existsSync, statSync } from 'node:fs'
import type { ContainerEngineName } from '@rollcall/contracts/agent'

/** Files that show the agent, which runs no program, whether a container engine is in use on the host. */
export interface EngineTrace {
  name: ContainerEngineName
  /** Where its program may be. */
  programs: readonly string[]
  /** One of these exists once the engine is in use. */
  marks: readonly string[]
  /** One of these changes whenever a container is created. */
  changes: readonly string[]
}

const toPrograms = (program: string) =>
  ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin'].map((folder) => `${folder}/${program}`)

const PODMAN_STORAGE = '/var/lib/containers/storage'

export const ENGINE_TRACES: readonly EngineTrace[] = [
  {
    name: 'podman',
    programs: toPrograms('podman'),
    marks: ['/run/libpod', `${PODMAN_STORAGE}/libpod`],
    // Podman's database: bolt up to podman 4, SQLite since.
    changes: [
      `${PODMAN_STORAGE}/libpod/bolt_state.db`,
      `${PODMAN_STORAGE}/libpod/db.sql`,
      `${PODMAN_STORAGE}/db.sql`,
    ],
  },
  {
    name: 'docker',
    programs: toPrograms('docker'),
    // Exists only while the daemon runs: a query could start a daemon that somebody has stopped.
    marks: ['/run/docker.pid'],
    changes: ['/var/lib/docker/containers'],
  },
]

export interface EnginesInUse {
  names: ContainerEngineName[]
  /** A different value means that a container may have been created since. */
  signature: string
}

/** Finds the engines in use. Costs a few stat(2) calls; no engine is queried. */
export function findEngines(traces: readonly EngineTrace[] = ENGINE_TRACES): EnginesInUse {
  const inUse = traces.filter(
    ({ marks, programs }) =>
      marks.some((path) => existsSync(path)) && programs.some((path) => existsSync(path)),
  )
  const changes = inUse.flatMap((trace) => trace.changes).map((path) => `${path} ${toFingerprint(path)}`)
  return { names: inUse.map(({ name }) => name), signature: changes.join('\n') }
}

function toFingerprint(path: string): string {
  const stat = statSync(path, { throwIfNoEntry: false })
  return stat === undefined ? '-' : `${stat.ino} ${stat.size} ${stat.mtimeMs}`
}
