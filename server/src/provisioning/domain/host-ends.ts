import type { EndedCommand } from '../../commands/index.ts'
import type { ProvisioningEnd } from '../../hosts/index.ts'

/** Decides the states of hosts whose provisioning commands ended. Pure. */
export function toProvisioningEnds(ended: readonly EndedCommand[]): ProvisioningEnd[] {
  return ended.flatMap(({ id: commandId, hostId, ending, at }): ProvisioningEnd[] => {
    const state = ending.isHostRemoved ? 'removed' : ending.hostState
    if (state === undefined) return []
    return [{ commandId, hostId, state, code: ending.reasonCode ?? null, reason: ending.reason ?? null, at }]
  })
}
