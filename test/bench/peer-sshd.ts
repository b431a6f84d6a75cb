import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { poll } from '../bed/poll.ts'
import { ask, run } from '../bed/tools.ts'
import type { LoadNamespace } from '../load/namespace.ts'
import { installPeer } from './debian-packages.ts'
import type { PeerFiles } from './peer-tools.ts'
import { closeSshMasters, sshMasters } from './ssh-masters.ts'

const SSHD = '/usr/sbin/sshd'
const READY_MS = 10_000

/** Root's home as on a fresh host: this machine's may start who knows what with each shell. */
const BARE_HOME = [
  'unshare',
  '--mount',
  '--propagation',
  'private',
  'sh',
  '-c',
  'mount -t tmpfs tmpfs /root && exec "$@"',
  'sh',
]

/** One sshd behind as many loopback addresses as are asked for, in a namespace, and the files by which peers reach them. */
export class PeerSshd implements AsyncDisposable {
  readonly #folder: string
  readonly #namespace: LoadNamespace
  #sshd: ChildProcess | undefined

  private constructor(folder: string, namespace: LoadNamespace) {
    this.#folder = folder
    this.#namespace = namespace
  }

  static async start(namespace: LoadNamespace, log: (line: string) => void): Promise<PeerSshd> {
    const missing = await installPeer(SSHD, 'openssh-server', log)
    if (missing) throw new Error(missing)
    const peer = new PeerSshd(await mkdtemp(join(tmpdir(), 'rollcall-peers-')), namespace)
    try {
      await peer.#start()
      return peer
    } catch (error) {
      await peer[Symbol.asyncDispose]()
      throw error
    }
  }

  /** Returns the files that the peers need for `count` hosts. */
  async files(count: number): Promise<PeerFiles> {
    const addresses = Array.from({ length: count }, (_, i) => `127.96.${(i + 1) >> 8}.${(i + 1) & 255}`)
    const at = (name: string) => join(this.#folder, name)
    const hosts = at(`hosts-${count}`)
    const inventory = at(`inventory-${count}`)
    await writeFile(hosts, addresses.map((address) => `${address}\n`).join(''))
    const variables = 'ansible_user=root ansible_python_interpreter=/usr/bin/python3'
    await writeFile(inventory, addresses.map((address) => `${address} ${variables}\n`).join(''))
    return { hosts, inventory, config: { cold: at('cold'), warm: at('warm') }, ansible: at('ansible') }
  }

  /** Processes of ssh that keep a connection open for those to come. */
  masters(): Promise<number[]> {
    return sshMasters(this.#folder)
  }

  /** Ends every kept connection. */
  closeMasters(): Promise<void> {
    return closeSshMasters(this.#folder)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.closeMasters()
    if (this.#sshd && this.#sshd.exitCode === null && this.#sshd.signalCode === null) {
      const ended = once(this.#sshd, 'exit')
      this.#sshd.kill('SIGTERM')
      await ended
    }
    await rm(this.#folder, { recursive: true, force: true })
  }

  async #start(): Promise<void> {
    const at = (name: string) => join(this.#folder, name)
    for (const key of ['host', 'user'])
      await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', key, '-f', at(key)])
    const [type, hostKey] = (await readFile(at('host.pub'), 'utf8')).split(' ')
    await writeFile(at('known'), `* ${type} ${hostKey}\n`)
    await mkdir('/run/sshd', { recursive: true, mode: 0o755 })
    await writeFile(at('sshd'), sshdConfig(at('host'), at('user.pub')))
    for (const mode of ['cold', 'warm'] as const) {
      const control = mode === 'cold' ? null : at('c-%h')
      await writeFile(at(mode), sshConfig(at('user'), at('known'), control))
      await writeFile(at(`ansible-${mode}.cfg`), ansibleConfig(at(mode), at('tmp')))
    }
    const [program, ...before] = this.#namespace.enter
    const argv = [
      ...before,
      'setpriv',
      '--pdeathsig',
      'KILL',
      '--',
      ...BARE_HOME,
      SSHD,
      '-D',
      '-e',
      '-f',
      at('sshd'),
    ]
    this.#sshd = spawn(program as string, argv, { stdio: ['ignore', 'ignore', 'inherit'] })
    await poll(
      async () => {
        const args = ['-F', at('cold'), 'root@127.96.0.1', 'true']
        return (await ask(program as string, [...before, 'ssh', ...args])).exitCode === 0
      },
      { timeoutMs: READY_MS, what: 'sshd to let us in' },
    )
  }
}

/** As Debian's own, with room for a thousand at once and the key exchange that both sides of the comparison use. */
const sshdConfig = (hostKey: string, userKey: string) => `
ListenAddress 0.0.0.0:22
HostKey ${hostKey}
AuthorizedKeysFile ${userKey}
PermitRootLogin prohibit-password
PasswordAuthentication no
KbdInteractiveAuthentication no
StrictModes no
UsePAM no
UseDNS no
PrintMotd no
PidFile none
LogLevel ERROR
KexAlgorithms curve25519-sha256
MaxStartups 10000
MaxSessions 1000
Subsystem sftp internal-sftp
`

const sshConfig = (key: string, known: string, control: string | null) => `
IdentityFile ${key}
IdentitiesOnly yes
UserKnownHostsFile ${known}
GlobalKnownHostsFile none
BatchMode yes
LogLevel ERROR
KexAlgorithms curve25519-sha256
${control === null ? 'ControlMaster no' : `ControlMaster auto\nControlPath ${control}\nControlPersist 1h`}
`

const ansibleConfig = (sshConfigFile: string, folder: string) => `
[defaults]
forks = 50
host_key_checking = false
retry_files_enabled = false
local_tmp = ${folder}
remote_tmp = ${folder}
[ssh_connection]
ssh_args = -F ${sshConfigFile}
pipelining = true
`
