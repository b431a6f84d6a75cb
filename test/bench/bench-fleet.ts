import type { Flavour } from '../bed/flavours.ts'
import { Bed, type Host, type HostRequest } from '../bed/index.ts'
import type { Api } from '../fleet/api.ts'
import { keyCredential } from '../fleet/credentials.ts'
import { ServerProcess } from '../fleet/server-process.ts'

/** Twenty at once share two cores with the server. */
const INSTALL_TIMEOUT_MS = 600_000

/** A bed and a server with its defaults (database and queue embedded): what one benchmark measures on. */
export class BenchFleet implements AsyncDisposable {
  readonly bed: Bed
  readonly server: ServerProcess
  readonly api: Api

  private constructor(bed: Bed, server: ServerProcess, api: Api) {
    this.bed = bed
    this.server = server
    this.api = api
  }

  static async open(
    name: string,
    log: (line: string) => void,
    env: Record<string, string> = {},
  ): Promise<BenchFleet> {
    const bed = await Bed.open({ name: `bench-${name}`, log })
    try {
      const server = await ServerProcess.start({ env })
      return new BenchFleet(bed, server, await server.api())
    } catch (error) {
      await bed.close()
      throw error
    }
  }

  /** Boots bare hosts and waits until each has finished booting, so that no figure pays for it. */
  async boot(...names: string[]): Promise<Host[]> {
    return this.bootAs('bookworm', names)
  }

  async bootAs(flavour: Flavour, names: readonly string[]): Promise<Host[]> {
    const hosts = await this.bed.boot(names.map((name): HostRequest => ({ name, flavour })))
    await Promise.all(hosts.map((host) => host.exec(['systemctl', 'is-system-running', '--wait'])))
    return hosts
  }

  /** Has the server install its agent; returns once the host is online. Throws with the installation's log. */
  async install(host: Host): Promise<void> {
    const credential = await keyCredential(this.bed)
    const about = { name: host.name, address: host.address, credential }
    const installation = await this.api.addHost(about, INSTALL_TIMEOUT_MS)
    const { state } = await this.api.host(host.name)
    if (installation.state === 'success' && state === 'online') return
    throw new Error(`${host.name} is ${state}: ${await this.api.text(installation.id)}`)
  }

  /** One bare host, brought online. */
  async oneOnline(): Promise<Host> {
    const [host] = await this.boot('one')
    if (!host) throw new Error('no host was booted')
    await this.install(host)
    return host
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.server[Symbol.asyncDispose]()
    await this.bed.close()
  }
}
