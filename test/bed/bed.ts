import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir } from 'node:fs/promises'
import { join } from 'node:path'
import { ControlGroup } from './cgroup.ts'
import { type HostUser, makeKeyPair, mountDisk, personalise } from './disk.ts'
import { type Flavour, flavours, type Recipe } from './flavours.ts'
import { Host } from './host.ts'
import { createBridge, type Subnet } from './network.ts'
import { bedDir } from './places.ts'
import { installRequirements, raiseInotifyBound, whyNoBed } from './requirements.ts'
import { rootfsFor } from './rootfs.ts'
import { claimBed, demolish, sweep } from './sweep.ts'

export interface BedOptions {
  /** For people who look at what is running. */
  name?: string
  log?: (line: string) => void
}

export interface HostRequest {
  /** The host's name, unique in its bed: a DNS label. */
  name: string
  flavour?: Flavour
  user?: HostUser
  users?: readonly HostUser[]
  /** Who may log in as root, in OpenSSH's one-line form, besides the bed's own key. */
  authorizedKeys?: readonly string[]
  /** True if root accepts the bed's own key, which is the default. */
  trustsBedKey?: boolean
  /** Folders that lie over the flavour's root file system, the uppermost first. The host reads them and never writes into them. */
  layers?: readonly string[]
  /** Folders of this machine that the host has too, by their paths on the host. */
  folders?: Readonly<Record<string, string>>
}

const FIRST_HOST_PART = 10
const LAST_HOST_PART = 254

/**
 * A network of real hosts on this machine. It lives as long as the process that opened it: closed in order by
 * `close`, or, should that process die, its hosts die with it and the next `open` (or `sweep`) removes the rest.
 */
export class Bed implements AsyncDisposable {
  readonly name: string
  /** The server's address: the only one that hosts can reach besides each other's. */
  readonly address: string
  /** The network device of this machine that its hosts are on. */
  readonly bridge: string
  /** A key that root of every host accepts; the file at `path` holds the private half. */
  readonly key: { path: string; publicKey: string }
  readonly hosts: Host[] = []
  readonly #subnet: Subnet
  readonly #group: ControlGroup
  readonly #log: (line: string) => void
  readonly #deadMansSwitch: ChildProcess
  #nextHostPart = FIRST_HOST_PART
  #closing: Promise<void> | undefined

  private constructor(name: string, subnet: Subnet, parts: BedParts) {
    this.name = name
    this.address = subnet.address(1)
    this.bridge = subnet.bridge
    this.key = parts.key
    this.#subnet = subnet
    this.#group = parts.group
    this.#log = parts.log
    this.#deadMansSwitch = parts.deadMansSwitch
  }

  /** Installs what is missing, sweeps beds whose owners died, and makes a network. Throws where no bed can be. */
  static async open({ name = 'bed', log = () => undefined }: BedOptions = {}): Promise<Bed> {
    const reason = await whyNoBed()
    if (reason) throw new Error(reason)
    await installRequirements(log)
    await raiseInotifyBound(log)
    await sweep(log)
    const subnet = await claimBed(name)
    try {
      await createBridge(subnet)
      const group = await ControlGroup.of(subnet.bridge)
      await group.create()
      const deadMansSwitch = await armDeadMansSwitch(group)
      const path = join(bedDir(subnet.id), 'id_ed25519')
      const key = { path, publicKey: await makeKeyPair(path, `bed-${subnet.id}`) }
      return new Bed(name, subnet, { key, group, log, deadMansSwitch })
    } catch (error) {
      await demolish(subnet)
      throw error
    }
  }

  /** Makes hosts and boots them side by side; settles when each has answered or failed, and throws if one failed. */
  async boot(requests: readonly HostRequest[]): Promise<Host[]> {
    const kinds = new Set(requests.map((request) => request.flavour ?? 'bookworm'))
    const roots = new Map<Flavour, string>()
    for (const flavour of kinds) roots.set(flavour, await rootfsFor(flavour, this.#log))
    const started = performance.now()
    const booting = requests.map(async (request) => {
      const host = await this.#make(request, roots.get(request.flavour ?? 'bookworm') ?? '')
      await host.boot()
      this.#log(`${host.name} (${host.flavour}) answers at ${host.address}`)
      return host
    })
    const results = await Promise.allSettled(booting)
    const errors = results.flatMap((result) => (result.status === 'rejected' ? [result.reason] : []))
    if (errors.length === 1) throw errors[0]
    if (errors.length > 1) throw new AggregateError(errors, errors.map((error) => error.message).join('\n\n'))
    this.#log(`booted ${requests.length} hosts in ${((performance.now() - started) / 1000).toFixed(1)} s`)
    return results.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []))
  }

  /** Powers every host off and removes the bed from this machine, disks included. Safe to repeat. */
  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close()
  }

  async #close(): Promise<void> {
    await Promise.all(this.hosts.map((host) => host.powerOff()))
    await disarm(this.#deadMansSwitch)
    await demolish(this.#subnet)
  }

  async #make(request: HostRequest, rootfs: string): Promise<Host> {
    const { name, flavour = 'bookworm' } = request
    if (!/^[a-z]([a-z0-9-]{0,61}[a-z0-9])?$/.test(name)) throw new Error(`not a host name: ${name}`)
    if (this.hosts.some((host) => host.name === name)) throw new Error(`this bed already has a host ${name}`)
    const part = this.#nextHostPart++
    if (part > LAST_HOST_PART)
      throw new Error(`a bed holds at most ${LAST_HOST_PART - FIRST_HOST_PART + 1} hosts`)
    const dir = join(bedDir(this.#subnet.id), 'hosts', name)
    const recipe: Recipe = flavours[flavour]
    const hasContainers = recipe.hasContainers ?? false
    const host = new Host({
      flavour,
      hostname: name,
      root: join(dir, 'root'),
      consoleLog: join(dir, 'console.log'),
      name: this.#subnet.machine(part),
      port: this.#subnet.port(part),
      address: this.#subnet.address(part),
      bridge: this.#subnet.bridge,
      group: this.#group.child(name),
      // Images on a plain folder: a container's layers cannot be an overlay upon the host's overlay.
      nspawnArgs: [
        ...recipe.nspawnArgs,
        ...(hasContainers ? [`--bind=${join(dir, 'containers')}:/var/lib/containers`] : []),
        ...Object.entries(request.folders ?? {}).map(([onHost, here]) => `--bind=${here}:${onHost}`),
      ],
    })
    this.hosts.push(host)
    if (hasContainers) await mkdir(join(dir, 'containers'), { recursive: true })
    await personalise(await mountDisk(dir, [...(request.layers ?? []), rootfs]), {
      hostname: name,
      address: `${host.address}/24`,
      hasContainers,
      users: [...(request.user ? [request.user] : []), ...(request.users ?? [])],
      rootKeys: [
        ...(request.trustsBedKey === false ? [] : [this.key.publicKey]),
        ...(request.authorizedKeys ?? []),
      ],
    })
    return host
  }
}

interface BedParts {
  key: { path: string; publicKey: string }
  group: ControlGroup
  log: (line: string) => void
  deadMansSwitch: ChildProcess
}

/**
 * A shell that waits for the end of a pipe which only we hold open. The kernel closes it however we end, SIGKILL
 * included, and the shell then kills every host of the bed: none goes on running with no one to ask for its end.
 */
async function armDeadMansSwitch(group: ControlGroup): Promise<ChildProcess> {
  const script = 'read -r _; [ ! -e "$1" ] || echo 1 > "$1"'
  const stdio: ['pipe', 'ignore', 'ignore'] = ['pipe', 'ignore', 'ignore']
  const child = spawn('sh', ['-c', script, 'sh', join(group.path, 'cgroup.kill')], { stdio, detached: true })
  await once(child, 'spawn')
  child.unref()
  return child
}

async function disarm(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  child.ref()
  child.stdin?.end()
  await once(child, 'exit')
}
