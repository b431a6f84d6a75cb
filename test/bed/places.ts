import { join } from 'node:path'

/** Root file systems, kept from run to run: hundreds of megabytes each, safe to delete while no bed is open. */
export function cacheDir(): string {
  return process.env.ROLLCALL_BED_CACHE || '/var/cache/rollcall-bed'
}

/** One folder per open bed: its state file and its hosts' disks. Must not itself be on an overlay. */
export function stateDir(): string {
  return process.env.ROLLCALL_BED_STATE || '/var/lib/rollcall-bed'
}

export function bedDir(bedId: string): string {
  return join(stateDir(), bedId)
}
