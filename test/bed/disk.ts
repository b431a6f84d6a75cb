import { randomBytes } from 'node:crypto'
import { chmod, chown, mkdir, rm, stat, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { run } from './tools.ts'

export interface HostUser {
  name: string
  /** For login over SSH and for sudo. Without one the user can only log in with a key. */
  password?: string
  /** How sudo is granted: 'none' by default. */
  sudo?: 'password' | 'nopasswd' | 'none'
  /** Public keys in OpenSSH's one-line form. */
  authorizedKeys?: readonly string[]
}

export interface DiskSpec {
  hostname: string
  /** With the length of its prefix: 10.64.0.10/24. */
  address: string
  users: readonly HostUser[]
  /** Who may log in as root. */
  rootKeys: readonly string[]
  hasContainers: boolean
}

/** Mounts a host's own disk: what it changes goes to `dir`/upper, everything else is read from `layers`, the uppermost first. */
export async function mountDisk(dir: string, layers: readonly string[]): Promise<string> {
  const [upper, work, root] = [join(dir, 'upper'), join(dir, 'work'), join(dir, 'root')]
  for (const folder of [upper, work, root]) await mkdir(folder, { recursive: true, mode: 0o755 })
  const options = `lowerdir=${layers.join(':')},upperdir=${upper},workdir=${work}`
  await run('mount', ['-t', 'overlay', 'overlay', '-o', options, root])
  return root
}

/** Makes a fresh disk the disk of this one host: its names, address, keys and users. */
export async function personalise(root: string, spec: DiskSpec): Promise<void> {
  const etc = join(root, 'etc')
  await writeFile(join(etc, 'hostname'), `${spec.hostname}\n`)
  await writeFile(join(etc, 'hosts'), `127.0.0.1 localhost\n127.0.1.1 ${spec.hostname}\n::1 localhost\n`)
  await writeFile(join(etc, 'machine-id'), `${randomBytes(16).toString('hex')}\n`)
  await writeNetwork(etc, spec.address)
  await writeSshd(etc)
  await replaceSshHostKey(root)
  await writeAuthorizedKeys(join(root, 'root'), spec.rootKeys, 0, 0)
  for (const user of spec.users) await addUser(root, user)
  // The kernel lends no control groups to a runtime inside a host: without this every container fails to start.
  if (spec.hasContainers)
    await writeNew(join(etc, 'containers/containers.conf'), '[containers]\ncgroups = "disabled"\n')
}

/** Gives the host a new SSH identity. A running sshd must be restarted to use it. Returns the public key's line. */
export async function replaceSshHostKey(root: string): Promise<string> {
  const path = join(root, 'etc/ssh/ssh_host_ed25519_key')
  await rm(path, { force: true })
  await rm(`${path}.pub`, { force: true })
  return makeKeyPair(path, 'host')
}

/** Makes an ed25519 key pair without a passphrase at `path` and `path`.pub; returns the public key's line. */
export async function makeKeyPair(path: string, comment: string): Promise<string> {
  await run('ssh-keygen', ['-q', '-t', 'ed25519', '-N', '', '-C', comment, '-f', path])
  return run('ssh-keygen', ['-y', '-f', path])
}

async function writeNetwork(etc: string, address: string): Promise<void> {
  // No gateway and no name server: a host reaches its bridge and nothing beyond.
  const network = `[Match]\nName=host0\n\n[Network]\nAddress=${address}\nLinkLocalAddressing=no\nIPv6AcceptRA=no\n`
  await writeNew(join(etc, 'systemd/network/10-host0.network'), network)
  const wants = join(etc, 'systemd/system/multi-user.target.wants')
  await mkdir(wants, { recursive: true })
  await symlink('/lib/systemd/system/systemd-networkd.service', join(wants, 'systemd-networkd.service'))
}

async function writeSshd(etc: string): Promise<void> {
  // One kind of host key, made on the machine, so that nothing has to be generated while the host boots.
  const settings = ['HostKey /etc/ssh/ssh_host_ed25519_key', 'PermitRootLogin prohibit-password']
  const file = join(etc, 'ssh/sshd_config.d/10-bed.conf')
  await writeNew(file, `${[...settings, 'PasswordAuthentication yes'].join('\n')}\n`)
}

async function addUser(root: string, user: HostUser): Promise<void> {
  if (!/^[a-z][a-z0-9_-]{0,30}$/.test(user.name)) throw new Error(`not a user name: ${user.name}`)
  await run('chroot', [root, 'useradd', '--create-home', '--shell', '/bin/bash', user.name])
  if (user.password) await run('chroot', [root, 'chpasswd'], { input: `${user.name}:${user.password}\n` })
  const home = join(root, 'home', user.name)
  const { uid, gid } = await stat(home)
  await writeAuthorizedKeys(home, user.authorizedKeys ?? [], uid, gid)
  const sudo = user.sudo ?? 'none'
  if (sudo === 'none') return
  const rule = `${user.name} ALL=(ALL:ALL) ${sudo === 'nopasswd' ? 'NOPASSWD: ' : ''}ALL\n`
  await writeFile(join(root, 'etc/sudoers.d', `90-${user.name}`), rule, { mode: 0o440 })
}

async function writeAuthorizedKeys(
  home: string,
  keys: readonly string[],
  uid: number,
  gid: number,
): Promise<void> {
  if (keys.length === 0) return
  const folder = join(home, '.ssh')
  const file = join(folder, 'authorized_keys')
  await mkdir(folder, { recursive: true })
  await writeFile(file, `${keys.map((key) => key.trim()).join('\n')}\n`, { mode: 0o600 })
  await chmod(folder, 0o700)
  await chown(folder, uid, gid)
  await chown(file, uid, gid)
}

async function writeNew(file: string, content: string): Promise<void> {
  await mkdir(join(file, '..'), { recursive: true })
  await writeFile(file, content)
}
