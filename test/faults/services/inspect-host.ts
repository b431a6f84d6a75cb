import { readFile } from 'node:fs/promises'
import type { Host } from '../../bed/index.ts'

const PROGRAM = new URL('./inspect_host.py', import.meta.url)
const TIMEOUT_MS = 60_000

/** The instances of a host, as it says itself. */
export interface HostInspection {
  /** The first process of each container that runs. */
  programs: {
    instance: string
    container: string
    /** `PROJECT/SERVICE.SLOT`. */
    slot: string
    generation: number
    revision: number
    pid: number
  }[]
  /** By podman, those that do not run included. */
  containers: { instance: string; name: string; generation: number; state: string }[]
  /** By systemd, of all unit files of instances. */
  units: { name: string; active: string; enabled: string }[]
  /** By the folders of instances: the generation in force, and whether it is to run. */
  folders: { instance: string; generation: number; wanted: string }[]
}

/** Asks a host for its instances, past server and agent. Throws where the host is off, or goes off meanwhile. */
export async function inspectHost(host: Host): Promise<HostInspection> {
  const input = await readFile(PROGRAM, 'utf8')
  return JSON.parse(await host.output(['python3', '-I', '-'], { input, timeoutMs: TIMEOUT_MS }))
}
