import { createHash } from 'node:crypto'

export interface Recipe {
  suite: 'bullseye' | 'bookworm' | 'trixie'
  packages: readonly string[]
  /** Rights that systemd-nspawn must grant beyond its defaults. */
  nspawnArgs: readonly string[]
  /** It runs containers, and has a plain folder of its own for their images. */
  hasContainers?: true
}

const system = [
  'systemd',
  'systemd-sysv',
  'dbus',
  'libpam-systemd',
  'openssh-server',
  'sudo',
  'iproute2',
  'iputils-ping',
  'ca-certificates',
  'procps',
]
const python = ['python3', 'python3-apt']
// An editor that fills the screen, for what works in terminals.
const editor = ['vim-tiny']
// netavark runs iptables to publish a port, though Debian's package does not ask for it.
const containers = ['podman', 'crun', 'netavark', 'aardvark-dns', 'iptables']
// The oldest podman of the fleet has networks of CNI and no names in them; the newest makes its rules with nft.
const oldContainers = ['podman', 'crun', 'containernetworking-plugins', 'iptables', 'catatonit']
const newContainers = [...containers, 'nftables', 'catatonit']

// A container runtime inside a host mounts, makes devices and keyrings: nspawn's defaults forbid all three.
const containerGrants = ['--capability=all', '--system-call-filter=add_key keyctl bpf']

// Other login shells than a POSIX one, and another sudo.
const oddities = ['tcsh', 'fish', 'sudo-rs', 'locales', 'libpam-modules']

/** The kinds of host there are. A host of a flavour has exactly these packages and what they need. */
export const flavours = {
  bullseye: { suite: 'bullseye', packages: [...system, ...python], nspawnArgs: [] },
  bookworm: { suite: 'bookworm', packages: [...system, ...python, ...editor], nspawnArgs: [] },
  trixie: { suite: 'trixie', packages: [...system, ...python], nspawnArgs: [] },
  odd: { suite: 'trixie', packages: [...system, ...python, ...oddities], nspawnArgs: [] },
  'no-python': { suite: 'bookworm', packages: system, nspawnArgs: [] },
  podman: {
    suite: 'bookworm',
    packages: [...system, ...python, ...containers],
    nspawnArgs: containerGrants,
    hasContainers: true,
  },
  'podman-bullseye': {
    suite: 'bullseye',
    packages: [...system, ...python, ...oldContainers],
    nspawnArgs: containerGrants,
    hasContainers: true,
  },
  'podman-trixie': {
    suite: 'trixie',
    packages: [...system, ...python, ...newContainers],
    nspawnArgs: containerGrants,
    hasContainers: true,
  },
} as const satisfies Record<string, Recipe>

export type Flavour = keyof typeof flavours

export const flavourNames = Object.keys(flavours) as Flavour[]

export function isFlavour(name: string): name is Flavour {
  return Object.hasOwn(flavours, name)
}

// Raise it when the way of building changes what comes out of the same recipe.
const BUILD_VERSION = 1

/** Names the root file system of a flavour: another recipe, architecture or way of building has another key. */
export function recipeKey(flavour: Flavour): string {
  const { suite, packages } = flavours[flavour]
  const recipe = JSON.stringify([BUILD_VERSION, process.arch, suite, [...packages].sort()])
  return createHash('sha256').update(recipe).digest('hex').slice(0, 12)
}
