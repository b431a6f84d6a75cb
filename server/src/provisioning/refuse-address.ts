import { RollcallError } from '@rollcall/contracts'
import type { Clock } from '../platform/clock/clock.ts'
import type { OutgoingAddresses } from '../platform/network/outgoing-addresses.ts'

const RESOLVE_MS = 2000

/**
 * Refuses an address that nothing will connect to. A name that DNS does not know now may be known when it is connected to.
 * @throws `host.address_refused`
 */
export async function refuseAddress(
  outgoing: OutgoingAddresses,
  clock: Clock,
  address: string,
): Promise<void> {
  const known = outgoing.of(address).catch((error: unknown) => {
    if (error instanceof RollcallError) throw error
  })
  await Promise.race([known, clock.sleep(RESOLVE_MS)])
}
