import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { Bed, Host } from '../bed/index.ts'
import { ask } from '../bed/tools.ts'
import { cpuMs } from './process-cost.ts'
import { closeSshMasters, sshMasters } from './ssh-masters.ts'

const ANSIBLE = '/usr/bin/ansible-playbook'
const TIMEOUT_MS = 600_000
/** The shell's own `time` counts what its children and theirs have used, once they have ended. */
const TIMED = 'TIMEFORMAT="%R %U %S"; time "$@"'

export interface PlaybookCost {
  wallS: number
  /** Processor time of the managing side. */
  cpuMs: number
}

/** Debian's `ansible-playbook` on this machine, over SSH, with connections that it keeps and pipelining. */
export class PlaybookPeer implements AsyncDisposable {
  readonly #folder: string
  readonly #forks: number

  private constructor(folder: string, forks: number) {
    this.#folder = folder
    this.#forks = forks
  }

  static async open(bed: Bed, hosts: readonly Host[]): Promise<PlaybookPeer> {
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'))
    const known = join(folder, 'known-hosts')
    const settings = [
      '[defaults]',
      `forks = ${hosts.length}`,
      'host_key_checking = false',
      'retry_files_enabled = false',
      `private_key_file = ${bed.key.path}`,
      `local_tmp = ${join(folder, 'tmp')}`,
      '[ssh_connection]',
      'pipelining = true',
      `control_path_dir = ${folder}`,
      'control_path = %(directory)s/%%h',
      `ssh_args = -F none -o ControlMaster=auto -o ControlPersist=600 -o UserKnownHostsFile=${known} -o LogLevel=ERROR`,
    ]
    await writeFile(join(folder, 'ansible.cfg'), `${settings.join('\n')}\n`)
    const variables = 'ansible_user=root ansible_python_interpreter=/usr/bin/python3'
    const inventory = hosts.map(({ name, address }) => `${name} ansible_host=${address} ${variables}\n`)
    await writeFile(join(folder, 'inventory'), inventory.join(''))
    return new PlaybookPeer(folder, hosts.length)
  }

  /** Runs it on all hosts. Throws unless it succeeded on every one. */
  async run(playbook: string, variables: Readonly<Record<string, unknown>>): Promise<PlaybookCost> {
    const before = await this.#mastersMs()
    const given = ['-i', join(this.#folder, 'inventory'), '-f', String(this.#forks)]
    const argv = [ANSIBLE, ...given, '-e', JSON.stringify(variables), playbook]
    const { exitCode, stdout, stderr } = await ask('bash', ['-c', TIMED, 'bash', ...argv], {
      env: { ANSIBLE_CONFIG: join(this.#folder, 'ansible.cfg'), LC_ALL: 'C.UTF-8' },
      timeoutMs: TIMEOUT_MS,
    })
    const [wallS, userS, systemS] = (stderr.split('\n').at(-1) ?? '').split(' ').map(Number)
    if (exitCode !== 0 || wallS === undefined || userS === undefined || systemS === undefined)
      throw new Error(`ansible-playbook ended with ${exitCode}: ${stderr.slice(-500)} ${stdout.slice(-1000)}`)
    return { wallS, cpuMs: (userS + systemS) * 1000 + (await this.#mastersMs()) - before }
  }

  /** Returns the processor time of the processes that keep the connections. */
  async #mastersMs(): Promise<number> {
    const each = await Promise.all((await sshMasters(this.#folder)).map((pid) => cpuMs(pid)))
    return each.reduce((total, ms) => total + ms, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await closeSshMasters(this.#folder)
    await rm(this.#folder, { recursive: true, force: true })
  }
}
