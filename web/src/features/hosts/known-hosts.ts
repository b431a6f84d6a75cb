import type { HostView } from '@rollcall/contracts/admin'

export type FleetHost = Pick<
  HostView,
  'name' | 'address' | 'port' | 'state' | 'stateReason' | 'lastProvisioning'
>

/** The hosts of the fleet, to be found by name and by where they are reached. */
export interface KnownHosts {
  byName: ReadonlyMap<string, FleetHost>
  byPlace: ReadonlyMap<string, FleetHost>
}

const placeOf = ({ address, port }: { address: string; port: number }) => `${address.toLowerCase()}:${port}`

export const knownHosts = (hosts: readonly FleetHost[]): KnownHosts => ({
  byName: new Map(hosts.map((host) => [host.name, host])),
  byPlace: new Map(hosts.map((host) => [placeOf(host), host])),
})

/** The host of the fleet that a pasted one is: of the same name, or else reached at the same place. */
export const knownAs = (
  { byName, byPlace }: KnownHosts,
  pasted: { name: string; address: string; port: number },
): FleetHost | undefined => byName.get(pasted.name) ?? byPlace.get(placeOf(pasted))
