import { cp, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Host } from '../../bed/index.ts'
import { poll } from '../../bed/poll.ts'

const PACKAGE = fileURLToPath(new URL('../../../playbooks/host', import.meta.url))
const SAMPLE = new URL('../../host/orders/minimal.json', import.meta.url)
const ON_HOST = '/opt/host-program'
const STEP_TIMEOUT_MS = 120_000

/** A container of an order, as far as a test says what it is. */
type Container = { name: string } & Record<string, unknown>
export interface Order extends Record<string, unknown> {
  instance: string
  generation: number
  containers: Container[]
}
interface Report {
  instances: {
    instance: string
    generation: number
    state: string
    containers: { name: string; state: string; pid: number | null; restarts: number }[]
  }[]
}

/** The program of instances on one host, called as a server calls it. */
export class HostProgram {
  readonly host: Host

  constructor(host: Host) {
    this.host = host
  }

  static async put(host: Host): Promise<HostProgram> {
    const isSource = (path: string) => !path.includes('__pycache__')
    await cp(PACKAGE, join(host.root, ON_HOST), { recursive: true, filter: isSource })
    // Every host of people's has one, and podman's name server does not start without.
    await writeFile(join(host.root, 'etc/resolv.conf'), 'nameserver 192.0.2.1\n')
    return new HostProgram(host)
  }

  /** Runs a step. Resolves to its exit code and what it printed. */
  exec(...words: string[]) {
    return this.host.exec(['python3', '-I', ON_HOST, 'service', ...words], { timeoutMs: STEP_TIMEOUT_MS })
  }

  /** Runs a step that answers with JSON. Resolves to the answer, or to `{error}`. */
  async step(...words: string[]): Promise<Record<string, unknown>> {
    const { stdout, stderr } = await this.exec(...words)
    try {
      return JSON.parse(stdout)
    } catch {
      throw new Error(`service ${words.join(' ')} on ${this.host.name} printed no JSON: ${stdout}${stderr}`)
    }
  }

  /** Uploads an order as the server does. Resolves to its path. */
  async upload(order: Order): Promise<string> {
    const path = `/var/lib/rollcall-services/orders/${order.instance}-${order.generation}.json`
    await this.host.output(['mkdir', '-p', '/var/lib/rollcall-services/orders'])
    await this.host.output(['sh', '-c', 'umask 077; cat > "$1"', 'sh', path], {
      input: JSON.stringify(order),
    })
    return path
  }

  async prepare(order: Order) {
    return this.step('prepare', await this.upload(order))
  }

  /** Prepares and starts an order. Resolves to the answer of the start, throws at an error of either. */
  async run(order: Order) {
    const prepared = await this.prepare(order)
    if ('error' in prepared) throw new Error(`${this.host.name}: ${JSON.stringify(prepared)}`)
    const started = await this.step('start', order.instance, String(order.generation))
    if ('error' in started)
      throw new Error(`${this.host.name}: ${JSON.stringify(started)}\n${await this.trace()}`)
    return started
  }

  async report(): Promise<Report> {
    return (await this.step('report')) as unknown as Report
  }

  /** Resolves to what the warden reports of the first instance, undefined while it reports none. */
  async seenByWarden(): Promise<{ instance: string; health: string } | undefined> {
    const { stdout } = await this.host.exec(['cat', '/run/rollcall-warden/report.json'])
    return stdout === '' ? undefined : JSON.parse(stdout).instances[0]
  }

  /** Waits until an instance is in a state. Resolves to what the host reports of it then. */
  async waitFor(instance: string, state: string) {
    let last: unknown
    const isThere = async () => {
      const found = (await this.report()).instances.find((each) => each.instance === instance)
      last = found
      return found?.state === state && found
    }
    try {
      return await poll(isThere, { timeoutMs: 60_000, what: `${instance} to be ${state}` })
    } catch (error) {
      throw new Error(`${(error as Error).message}: ${JSON.stringify(last)}\n${await this.trace()}`)
    }
  }

  /** The last lines of the units' journal, for who reads a failed test. */
  async trace(): Promise<string> {
    const { stdout } = await this.host.exec(['journalctl', '--no-pager', '--lines=40', '--unit=rollcall-*'])
    return stdout
  }
}

/** Makes an order of these containers. What they do not say is as in the smallest order. */
export async function orderOf(
  digest: string,
  fields: { instance: string; generation?: number } & Record<string, unknown>,
  containers: readonly Container[],
): Promise<Order> {
  const sample = JSON.parse(await readFile(SAMPLE, 'utf8')) as Order
  const generation = fields.generation ?? 1
  const image = { ref: 'localhost/tiny:1', digest, source: 'layout' }
  return {
    ...sample,
    generation,
    revision: String(generation).padStart(64, '0'),
    network: `rollcall-${fields.instance}`,
    ...fields,
    containers: containers.map((container) => ({ ...sample.containers[0], image, ...container })),
  }
}
