import { constants, existsSync } from 'node:fs'
import { access, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { unifiedTree } from './cgroup.ts'
import { withLock } from './lock.ts'
import { stateDir } from './places.ts'
import { run, searchPath } from './tools.ts'

/** Programs and files that the bed needs, and the Debian or Ubuntu package of each. */
const requirements = {
  mmdebstrap: 'mmdebstrap',
  'systemd-nspawn': 'systemd-container',
  ip: 'iproute2',
  nft: 'nftables',
  'ssh-keygen': 'openssh-client',
  '/usr/share/keyrings/debian-archive-keyring.gpg': 'debian-archive-keyring',
} as const

const INSTALL_TIMEOUT_MS = 10 * 60_000

/** Why hosts cannot be booted on this machine, in words for whoever reads a skipped test; undefined when they can. */
export async function whyNoBed(): Promise<string | undefined> {
  if (process.platform !== 'linux')
    return `the test bed boots Linux hosts and needs Linux, not ${process.platform}`
  if (process.getuid?.() !== 0) return 'the test bed mounts, bridges and boots hosts: it needs root'
  const tree = await unifiedTree()
  if (!tree) return 'no cgroup2 file system is mounted on this machine'
  const isTreeOurs = await access(tree, constants.W_OK).then(...yesOrNo)
  if (!isTreeOurs) return `${tree} is read-only: a container needs --privileged`
  const kernels = await readFile('/proc/filesystems', 'utf8')
  if (!/\toverlay$/m.test(kernels)) return 'this kernel has no overlay file system (try `modprobe overlay`)'
  if (await isOnOverlay())
    return `${stateDir()} is itself on an overlay: set ROLLCALL_BED_STATE to a folder on a real disk`
  const missing = missingPackages()
  const hasApt = isThere('apt-get')
  if (missing.length > 0 && !hasApt)
    return `missing, and there is no apt-get to install them: ${missing.join(' ')}`
  return undefined
}

/** Each host's systemd takes about ten; the kernel's usual 128 for all of root would be gone after a dozen hosts. */
const INOTIFY_INSTANCES = 8192
const INOTIFY_SETTING = '/proc/sys/fs/inotify/max_user_instances'

/** Raises the kernel's bound on inotify instances, which all hosts of this machine share, until the next restart. */
export async function raiseInotifyBound(log: (line: string) => void = () => undefined): Promise<void> {
  if (Number(await readFile(INOTIFY_SETTING, 'utf8')) >= INOTIFY_INSTANCES) return
  log(`setting fs.inotify.max_user_instances to ${INOTIFY_INSTANCES}, since all hosts share it`)
  await writeFile(INOTIFY_SETTING, String(INOTIFY_INSTANCES))
}

/** Installs with apt-get what the bed needs and the machine lacks, naming each. Changes nothing when all is there. */
export async function installRequirements(log: (line: string) => void = () => undefined): Promise<void> {
  if (missingPackages().length === 0) return
  await withLock(join(stateDir(), '.install.lock'), async () => {
    const packages = missingPackages()
    if (packages.length === 0) return
    log(`installing ${packages.join(' ')} with apt-get`)
    const env = { DEBIAN_FRONTEND: 'noninteractive' }
    // Another apt may be at work (a machine's daily timer): wait for it rather than fail.
    const lockTimeout = ['-o', 'DPkg::Lock::Timeout=300']
    await run('apt-get', [...lockTimeout, 'update', '-q'], { env, timeoutMs: INSTALL_TIMEOUT_MS })
    const install = [...lockTimeout, 'install', '-qy', '--no-install-recommends', ...packages]
    await run('apt-get', install, { env, timeoutMs: INSTALL_TIMEOUT_MS })
  })
}

function missingPackages(): string[] {
  const missing = Object.entries(requirements).filter(([what]) => !isThere(what))
  return missing.map(([, name]) => name)
}

function isThere(what: string): boolean {
  return what.startsWith('/')
    ? existsSync(what)
    : searchPath.split(':').some((folder) => existsSync(join(folder, what)))
}

/** The kernel refuses an overlay's upper layer on another overlay, which is what a container's own disk is. */
async function isOnOverlay(): Promise<boolean> {
  await mkdir(stateDir(), { recursive: true })
  return (await run('stat', ['--file-system', '--format=%T', stateDir()])).startsWith('overlay')
}

const yesOrNo = [() => true, () => false] as const
