import { spawn } from 'node:child_process'
import { cp, mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Bed, Host } from '../bed/index.ts'
import { installPeer } from './debian-packages.ts'
import { succeeded } from './ssh-peer.ts'

const ROOT = fileURLToPath(new URL('../..', import.meta.url))
const UNITS = join(ROOT, 'playbooks/roles/rollcall_agent/files')
const PLAYBOOK = fileURLToPath(new URL('./peer-install.yml', import.meta.url))
const ANSIBLE = '/usr/bin/ansible-playbook'
const FORKS = 10

/** Debian's own Ansible on this machine, as an administrator would use it to bring the same files to hosts. */
export class AnsiblePeer implements AsyncDisposable {
  readonly #folder: string
  readonly #variables: Record<string, string>

  private constructor(folder: string, variables: Record<string, string>) {
    this.#folder = folder
    this.#variables = variables
  }

  /** Takes the configuration and certificate that the server gave to `installed`: every host gets the same. */
  static async open(bed: Bed, installed: Host, log: (line: string) => void): Promise<AnsiblePeer> {
    const missing = await installPeer(ANSIBLE, 'ansible-core', log)
    if (missing) throw new Error(missing)
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-bench-'))
    const etc = join(installed.root, 'etc/rollcall-agent')
    await mkdir(join(folder, 'ssl'))
    for (const name of ['config.json', 'ssl/agent.crt', 'ssl/agent.key'])
      await cp(join(etc, name), join(folder, name))
    const config = JSON.parse(await installed.output(['cat', '/etc/rollcall-agent/config.json'])) as {
      rpc_port: number
    }
    const settings = [
      '[defaults]',
      'host_key_checking = false',
      'interpreter_python = /usr/bin/python3',
      '[ssh_connection]',
      'pipelining = true',
    ]
    await writeFile(join(folder, 'ansible.cfg'), `${settings.join('\n')}\n`)
    return new AnsiblePeer(folder, {
      ansible_ssh_private_key_file: bed.key.path,
      archive: await agentArchive(),
      etc: folder,
      units: UNITS,
      rpc_port: String(config.rpc_port),
    })
  }

  /** Resolves when the agent listens on every one of `hosts`. */
  async install(hosts: readonly Host[]): Promise<void> {
    const inventory = join(this.#folder, 'inventory')
    await writeFile(inventory, hosts.map((host) => `${host.address} ansible_user=root\n`).join(''))
    const args = ['-i', inventory, '-f', String(FORKS), '-e', JSON.stringify(this.#variables), PLAYBOOK]
    const env = {
      ...process.env,
      ANSIBLE_CONFIG: join(this.#folder, 'ansible.cfg'),
      ANSIBLE_SSH_CONTROL_PATH_DIR: this.#folder,
      LC_ALL: 'C.UTF-8',
    }
    const child = spawn(ANSIBLE, args, { env, stdio: ['ignore', 'pipe', 'inherit'] })
    let said = ''
    child.stdout.setEncoding('utf8').on('data', (text: string) => {
      said += text
    })
    await succeeded(child, 'ansible-playbook').catch((error: Error) => {
      throw new Error(`${error.message}:\n${said}`)
    })
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.#folder, { recursive: true, force: true })
  }
}

/** The one that the server brings to hosts of this machine's architecture: the first by name. */
async function agentArchive(): Promise<string> {
  const folder = join(ROOT, 'agent/dist')
  const name = (await readdir(folder)).sort().find((entry) => entry.endsWith(`-linux-${process.arch}.tar.gz`))
  if (!name) throw new Error(`there is no agent for ${process.arch} in ${folder}: run "npm run build"`)
  return join(folder, name)
}
