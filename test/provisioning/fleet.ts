import { execFileSync } from 'node:child_process'
import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { buildAnsibleBundle } from '../../scripts/ansible-bundle.mjs'
// @ts-expect-error a plain script without types
import { buildAgent } from '../../scripts/build-agent.mjs'
import type {
  AgentPackage,
  InstallPorts,
  InstallResult,
  InstallTarget,
} from '../../server/src/provisioning/install-ports.ts'
import { install } from '../../server/src/provisioning/installer.ts'
import { remove } from '../../server/src/provisioning/remover.ts'
import { Bed, type Host, type HostRequest, whyNoBed } from '../bed/index.ts'
import { ReleaseSigner } from '../fleet/release-signer.ts'

const FLEET = randomUUID()
export const PASSWORD = 'correct horse'
export const OPS = { name: 'ops', password: PASSWORD, sudo: 'password' as const }

/** Why there can be no hosts here; on CI that is a failure, since skipped there these tests would never run anywhere. */
export const reason = await whyNoBed()
if (reason && process.env.CI) throw new Error(reason)

/** Hosts, what is installed on them, and a stand-in for the server that installs. */
export class Fleet implements AsyncDisposable {
  readonly bed: Bed
  readonly archive: AgentPackage
  /** The signer of releases. */
  readonly signer = new ReleaseSigner()
  readonly #bundle: { path: string; sha256: string }
  readonly #privateKey: string

  readonly #folder: string

  private constructor(bed: Bed, parts: FleetParts) {
    this.bed = bed
    this.archive = parts.archive
    this.#bundle = parts.bundle
    this.#privateKey = parts.privateKey
    this.#folder = parts.folder
  }

  static async open(name: string): Promise<Fleet> {
    const { version, archives } = await buildAgent({ log: () => undefined })
    const path: string = archives[process.arch]
    const bundle = await buildAnsibleBundle()
    const bed = await Bed.open({ name })
    // A copy of our own: a build in the meantime would take the file away.
    const folder = await mkdtemp(join(tmpdir(), 'rollcall-fleet-'))
    const copy = join(folder, 'agent.tar.gz')
    await copyFile(path, copy)
    const archive = { path: copy, version, sha256: await sha256Of(copy), signature: null }
    return new Fleet(bed, { archive, bundle, folder, privateKey: await readFile(bed.key.path, 'utf8') })
  }

  /** Boots hosts and waits until each has finished booting, so that what comes later is not its doing. */
  async boot(...requests: HostRequest[]): Promise<Host[]> {
    const hosts = await this.bed.boot(requests)
    await Promise.all(hosts.map((host) => host.exec(['systemctl', 'is-system-running', '--wait'])))
    return hosts
  }

  /** An installation of `host` as root by key; `changes` make it another. */
  target(host: Host, changes: Partial<InstallTarget> = {}): InstallTarget {
    return {
      address: host.address,
      port: 22,
      user: 'root',
      credential: { type: 'key', privateKey: this.#privateKey },
      pinnedHostKey: null,
      identity: newIdentity(),
      serverPins: [`sha256/${'A'.repeat(43)}=`],
      owner: `${FLEET}/${randomUUID()}`,
      isSilent: false,
      ...changes,
    }
  }

  ports(changes: Partial<InstallPorts> = {}): InstallPorts & { text: () => string } {
    let text = ''
    return {
      onHostKey: async () => undefined,
      changePort: () => Promise.reject(new Error('nobody was to ask for another port')),
      agentArchive: async () => this.archive,
      signRelease: async (archive, architecture) => this.signer.sign({ ...archive, architecture }),
      ansibleBundle: async () => this.#bundle,
      firstInstall: true,
      isPortGiven: true,
      checkMachine: async () => [],
      log: async (_stream, data) => {
        text += data.toString('utf8')
      },
      text: () => text,
      ...changes,
    }
  }

  async install(target: InstallTarget, ports = this.ports(), signal?: AbortSignal): Promise<InstallResult> {
    try {
      return await install(target, ports, signal ?? new AbortController().signal)
    } catch (error) {
      if (error instanceof Error) error.stack += `\nIts log:\n${ports.text()}`
      throw error
    }
  }

  async remove(target: InstallTarget): Promise<string> {
    const ports = this.ports()
    await remove(target, { ...ports, findOwner: async () => 'us' }, new AbortController().signal)
    return ports.text()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.bed.close()
    await rm(this.#folder, { recursive: true, force: true })
  }
}

interface FleetParts {
  archive: AgentPackage
  bundle: { path: string; sha256: string }
  privateKey: string
  folder: string
}

/** Every file of a host with its mode and kind, except what any login or service writes: logs, caches, and the like. */
export async function filesOf(host: Host): Promise<string[]> {
  const noise = [
    '/proc',
    '/sys',
    '/dev',
    '/tmp',
    '/var/log',
    '/var/cache',
    '/var/lib/systemd',
    '/var/lib/sudo',
    '/run/systemd',
    '/run/agetty.reload',
    '/run/user',
    '/run/log',
    '/run/sudo',
    '/run/utmp',
    '/var/lib/private',
    '/run/credentials',
  ]
  const prune = noise.flatMap((path, index) => [...(index > 0 ? ['-o'] : []), '-path', path])
  const list = await host.output(
    ['find', '/', '(', ...prune, ')', '-prune', '-o', '-printf', '%M %u %p %l\\n'],
    { timeoutMs: 60_000 },
  )
  // A scratch name that systemd-run or a login makes and takes away again is no trace of ours.
  return list
    .split('\n')
    .filter((line) => !/\/\.#|\/run\/(nologin|motd)/.test(line))
    .sort()
}

/** Names of processes that an installation may not leave behind. */
export async function leftProcesses(host: Host): Promise<string> {
  const { stdout } = await host.exec(['pgrep', '--full', '--list-full', 'rollcall|ansible'])
  return stdout.trim()
}

export async function isListening(host: Host, port: number): Promise<boolean> {
  return (
    (await host.output(['ss', '--no-header', '--listening', '--tcp', '--numeric', `sport = :${port}`])) !== ''
  )
}

let nextPort = 20_100

export function newIdentity(): InstallTarget['identity'] {
  const subject = ['-subj', '/CN=rollcall-agent', '-days', '3650', '-nodes']
  const pem = execFileSync(
    'openssl',
    ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-keyout', '-', ...subject],
    { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] },
  )
  const part = (name: string) =>
    new RegExp(`-----BEGIN ${name}-----[^]*?-----END ${name}-----\n`).exec(pem)?.[0] ?? ''
  return {
    token: randomBytes(32).toString('base64url'),
    secretKey: randomBytes(32).toString('base64url'),
    rpcPort: nextPort++,
    rpcPath: randomBytes(12).toString('hex'),
    certificatePem: part('CERTIFICATE'),
    privateKeyPem: part('PRIVATE KEY'),
  }
}

/** A program for `otherArchive`: it listens where the agent would, and says nothing. */
export const LISTENS = `import json, socket
server = socket.create_server(('', json.load(open('/etc/rollcall-agent/config.json'))['rpc_port']))
while True: server.accept()`

/**
 * Makes a small release of another content, whose program is `script` in Python. It brings the interpreter of `host` along, since the
 * agent's unit executes nothing from outside of the release.
 */
export async function otherArchive(host: Host, script: string): Promise<AgentPackage & AsyncDisposable> {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-archive-'))
  const [content, path] = [join(folder, 'content'), join(folder, 'agent.tar.gz')]
  await mkdir(join(content, 'bin'), { recursive: true })
  await copyFile(join(host.root, 'usr/bin/python3'), join(content, 'bin/python'))
  const program = `#!/opt/rollcall-agent/current/bin/python\n${script}\n`
  await writeFile(join(content, 'bin/node'), program, { mode: 0o755 })
  execFileSync('tar', ['-C', content, '--use-compress-program', 'gzip -1', '-cf', path, '.'])
  return {
    path,
    version: '0.0.0-other',
    sha256: await sha256Of(path),
    signature: null,
    [Symbol.asyncDispose]: () => rm(folder, { recursive: true }),
  }
}

async function sha256Of(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}
