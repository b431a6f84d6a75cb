import { RollcallError } from '@rollcall/contracts'
import type { Clock } from '../platform/clock/clock.ts'
import type { OutgoingAddresses } from '../platform/network/outgoing-addresses.ts'

const RESOLVE_MS = 2000

/**
 * Refuses an address that may not be connected to; an unresolvable name is accepted, since it may resolve later. Throws
 * `host.address_refused`.
 */
export async function refuseAddress(
  outgoing: OutgoingAddresses,
  clock: Clock,
  address: string,
): Promise<void> {
  const known = outgoing.resolve(address).catch((error: unknown) => {
    if (error instanceof RollcallError) throw error
  })
  await Promise.race([known, clock.sleep(RESOLVE_MS)])
}
