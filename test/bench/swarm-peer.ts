import { cp, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { DebianMirror } from '../bed/debian-mirror.ts'
import type { Bed, Host } from '../bed/index.ts'
import { poll } from '../bed/poll.ts'
import { PAGE_COMMAND, PAGE_IMAGE, PAGE_PORT, untilPages } from './page-container.ts'

const SERVICE = 'bench-page'
const PACKAGES = 'var/cache/apt/archives'
const INSTALL_MS = 600_000
const STEP_MS = 120_000
const GONE_MS = 120_000
/** A host of the bed is an overlay, on which Docker's own cannot lie. */
const SETTINGS = { 'data-root': '/var/lib/containers/docker' }
const APT = 'DEBIAN_FRONTEND=noninteractive apt-get -qy'
const DOWNLOAD = `${APT} update && ${APT} install --no-install-recommends --download-only docker.io`
const INSTALL = `DEBIAN_FRONTEND=noninteractive dpkg --force-unsafe-io --install /${PACKAGES}/*.deb && rm /${PACKAGES}/*.deb`
const LOAD = 'podman save "$1" | docker load'

/** Debian's `docker.io` on every host, in one Swarm whose only manager is the first host. */
export class SwarmPeer {
  readonly #manager: Host
  readonly #hosts: readonly Host[]

  private constructor(manager: Host, hosts: readonly Host[]) {
    this.#manager = manager
    this.#hosts = hosts
  }

  /** Installs Docker with the image that the hosts' podman has, and joins them. Throws with what a host said where that fails. */
  static async open(bed: Bed, hosts: readonly Host[], log: (line: string) => void): Promise<SwarmPeer> {
    const [manager, ...workers] = hosts
    if (!manager) throw new Error('a Swarm needs a host')
    log('installing docker.io on the hosts')
    await using mirror = await DebianMirror.open(bed)
    await mirror.tell(manager)
    await manager.output(['sh', '-ec', DOWNLOAD], { timeoutMs: INSTALL_MS })
    const packages = join(manager.root, PACKAGES)
    for (const { root } of workers) await cp(packages, join(root, PACKAGES), { recursive: true })
    await Promise.all(hosts.map(installDocker))
    const init = ['docker', 'swarm', 'init', '--advertise-addr', manager.address]
    await manager.output(init, { timeoutMs: STEP_MS })
    const token = (await manager.output(['docker', 'swarm', 'join-token', '--quiet', 'worker'])).trim()
    const join_ = ['docker', 'swarm', 'join', '--token', token, `${manager.address}:2377`]
    for (const worker of workers) await worker.output(join_, { timeoutMs: STEP_MS })
    log(`a Swarm of ${hosts.length} hosts is ready`)
    return new SwarmPeer(manager, hosts)
  }

  /** Starts a container on each host and removes them again. Returns the seconds until each has its page. */
  async run(): Promise<number> {
    const publish = `mode=host,published=${PAGE_PORT},target=${PAGE_PORT}`
    const began = performance.now()
    const create = ['service', 'create', '--detach', '--quiet', '--name', SERVICE, '--no-resolve-image']
    const spread = ['--replicas', String(this.#hosts.length), '--replicas-max-per-node', '1']
    await this.#docker(...create, ...spread, '--publish', publish, PAGE_IMAGE, ...PAGE_COMMAND)
    await untilPages(this.#hosts).catch(async (error: Error) => {
      const states = await this.#docker('service', 'ps', '--no-trunc', SERVICE)
      throw new Error(`${error.message}: ${states.slice(0, 1000)}`, { cause: error })
    })
    const seconds = (performance.now() - began) / 1000
    await this.#docker('service', 'rm', SERVICE)
    await Promise.all(this.#hosts.map(untilEmpty))
    return seconds
  }

  #docker(...args: string[]): Promise<string> {
    return this.#manager.output(['docker', ...args], { timeoutMs: STEP_MS })
  }
}

async function installDocker(host: Host): Promise<void> {
  await mkdir(join(host.root, 'etc/docker'), { recursive: true })
  await writeFile(join(host.root, 'etc/docker/daemon.json'), JSON.stringify(SETTINGS))
  await host.output(['sh', '-ec', INSTALL], { timeoutMs: INSTALL_MS })
  await host.output(['sh', '-ec', LOAD, 'sh', PAGE_IMAGE], { timeoutMs: STEP_MS })
}

function untilEmpty(host: Host): Promise<true> {
  const isEmpty = async () => (await host.output(['docker', 'ps', '--all', '--quiet'])) === '' || undefined
  return poll(isEmpty, { timeoutMs: GONE_MS, what: `${host.name} to have no container of Docker` })
}
