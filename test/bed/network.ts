import { existsSync } from 'node:fs'
import { ask, run } from './tools.ts'

/**
 * A bed's own /24 out of 10.64.0.0–10.127.255.0. Its two middle octets, as four hex digits, are the bed's id,
 * and with it the name of everything the bed makes: so what is left of a bed can be found by its id alone.
 */
export class Subnet {
  readonly id: string

  private constructor(id: string) {
    this.id = id
  }

  static of(id: string): Subnet {
    if (!/^[4-7][0-9a-f]{3}$/.test(id)) throw new Error(`not a bed id: ${id}`)
    return new Subnet(id)
  }

  /** Host part 1 is the server's side, 10 and above are hosts. */
  address(hostPart: number): string {
    return `${this.#prefix}.${hostPart}`
  }

  get bridge(): string {
    return `rcb${this.id}`
  }

  /** As systemd-nspawn calls the machine; unlike a host's own name it is unique on this machine. */
  machine(hostPart: number): string {
    return `${this.bridge}-${hostPart}`
  }

  /** The machine's port on the bridge: systemd-nspawn's "vb-" and the name, which fits in the kernel's 15 bytes. */
  port(hostPart: number): string {
    return `vb-${this.machine(hostPart)}`
  }

  get #prefix(): string {
    return `10.${Number.parseInt(this.id.slice(0, 2), 16)}.${Number.parseInt(this.id.slice(2), 16)}`
  }
}

/** The first subnet, from a random one on, that no address or route of this machine overlaps and `isTaken` does not name. */
export async function pickSubnet(isTaken: (id: string) => boolean): Promise<Subnet> {
  const inUse = await rangesInUse()
  const count = 64 * 256
  const start = Math.floor(Math.random() * count)
  for (let step = 0; step < count; step++) {
    const index = 64 * 256 + ((start + step) % count)
    const id = index.toString(16).padStart(4, '0')
    const first = 10 * 2 ** 24 + index * 256
    if (!isTaken(id) && !inUse.some((range) => range.first < first + 256 && range.last >= first))
      return Subnet.of(id)
  }
  throw new Error('every /24 of 10.64.0.0/10 is in use or routed elsewhere on this machine: see `ip route`')
}

interface Range {
  first: number
  last: number
}

async function rangesInUse(): Promise<Range[]> {
  const routes: { dst: string }[] = JSON.parse(
    await run('ip', ['-json', '-4', 'route', 'show', 'table', 'all']),
  )
  return routes.flatMap(({ dst }) => {
    const [address, bits = '32'] = dst.split('/')
    if (!address || !/^\d+(\.\d+){3}$/.test(address)) return [] // 'default' overlaps everything and means nothing.
    const first = address.split('.').reduce((sum, octet) => sum * 256 + Number(octet), 0)
    return [{ first, last: first + 2 ** (32 - Number(bits)) - 1 }]
  })
}

/** Makes the bridge, gives the server's side its address, and brings it up. */
export async function createBridge(subnet: Subnet): Promise<void> {
  // A fixed address: by default a bridge takes its lowest port's, and hosts would lose the server as ports come and go.
  const hardware = `02:72:63:62:${subnet.id.slice(0, 2)}:${subnet.id.slice(2)}`
  await run('ip', [
    'link',
    'add',
    'name',
    subnet.bridge,
    'address',
    hardware,
    'type',
    'bridge',
    'forward_delay',
    '0',
  ])
  await run('ip', ['address', 'add', `${subnet.address(1)}/24`, 'dev', subnet.bridge])
  await run('ip', ['link', 'set', subnet.bridge, 'up'])
}

/** Removes a network device; one that is already gone is no error. */
export async function deleteLink(name: string): Promise<void> {
  if (!existsSync(`/sys/class/net/${name}`)) return
  const { exitCode, stderr } = await ask('ip', ['link', 'delete', name])
  // A port goes by itself with the host's network namespace, which may be between our look and our command.
  if (exitCode !== 0 && existsSync(`/sys/class/net/${name}`))
    throw new Error(`could not delete ${name}: ${stderr}`)
}

export async function setLink(name: string, state: 'up' | 'down'): Promise<void> {
  await run('ip', ['link', 'set', name, state])
}
