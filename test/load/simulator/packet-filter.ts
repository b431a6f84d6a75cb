import { type ChildProcessByStdio, spawn } from 'node:child_process'
import { createInterface, type Interface } from 'node:readline'
import type { Readable, Writable } from 'node:stream'
import type { LoadAgent } from '../agents.ts'

const ELEMENTS_PER_COMMAND = 1000

/**
 * The kernel's part of the simulation: sends what is addressed to an agent's own port to the one listener, and nothing else,
 * and loses the packets of agents that are cut off. Runs in the simulator's network namespace.
 */
export class PacketFilter {
  /** A small process that starts `nft` for each line, so that ours, which is large, need not fork. */
  readonly #shell: ChildProcessByStdio<Writable, Readable, null>
  readonly #answers: Interface
  readonly #listenerPort: number
  #last: Promise<void> = Promise.resolve()

  private constructor(listenerPort: number) {
    this.#listenerPort = listenerPort
    const loop = 'while IFS= read -r line; do printf "%s\\n" "$line" | nft -f -; echo "$?"; done'
    this.#shell = spawn('sh', ['-c', loop], { stdio: ['pipe', 'pipe', 'inherit'] })
    this.#answers = createInterface({ input: this.#shell.stdout })
  }

  static async open(listenerPort: number): Promise<PacketFilter> {
    const filter = new PacketFilter(listenerPort)
    const to = `dnat to :${listenerPort}`
    await filter.#tell(
      [
        'add table ip load; delete table ip load; table ip load {',
        'set doors { type ipv4_addr . inet_service; };',
        'map outer { type inet_service : ipv4_addr . inet_service; };',
        'set closed { type ipv4_addr; };',
        'set cut { type ipv4_addr; };',
        'chain inside { type nat hook output priority -100;',
        `ip daddr @closed return; ip daddr . tcp dport @doors ${to}; };`,
        // From outside, over the cable, an agent is found by its port alone.
        'chain outside { type nat hook prerouting priority -100; iif != lo dnat ip to tcp dport map @outer; };',
        // On the way in, not out: there the caller's own kernel would tell it that its packet was dropped.
        'chain faults { type filter hook input priority 0; ip daddr @cut drop; ip saddr @cut drop;',
        'ip daddr @closed reject with tcp reset; };',
        '}',
      ].join(' '),
    )
    return filter
  }

  async addDoors(agents: readonly LoadAgent[]): Promise<void> {
    await this.#change(
      'add',
      'doors',
      agents.map(({ address, port }) => `${address} . ${port}`),
    )
    await this.#change(
      'add',
      'outer',
      agents.map(({ address, port }) => `${port} : ${address} . ${this.#listenerPort}`),
    )
  }

  /** Resolves when the kernel does so. */
  async set(what: 'closed' | 'cut', addresses: readonly string[], isOn: boolean): Promise<void> {
    await this.#change(isOn ? 'add' : 'delete', what, addresses)
  }

  async #change(verb: 'add' | 'delete', set: string, elements: readonly string[]): Promise<void> {
    const commands: Promise<void>[] = []
    for (let from = 0; from < elements.length; from += ELEMENTS_PER_COMMAND) {
      const some = elements.slice(from, from + ELEMENTS_PER_COMMAND)
      commands.push(this.#tell(`${verb} element ip load ${set} { ${some.join(', ')} }`))
    }
    await Promise.all(commands)
  }

  #tell(line: string): Promise<void> {
    const answered = this.#last.then(
      () =>
        new Promise<void>((resolve, reject) => {
          this.#answers.once('line', (code) =>
            code === '0' ? resolve() : reject(new Error(`nft refused: ${line.slice(0, 200)}`)),
          )
          this.#shell.stdin.write(`${line}\n`)
        }),
    )
    this.#last = answered.catch(() => undefined) // its own caller is told; the next command is another matter
    return answered
  }
}
