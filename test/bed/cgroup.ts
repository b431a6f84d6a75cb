import { mkdir, readdir, readFile, rmdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { poll } from './poll.ts'

/** Where this machine has mounted the unified (version 2) control group tree; undefined when nowhere. */
export async function unifiedTree(): Promise<string | undefined> {
  const mounts = await readFile('/proc/self/mountinfo', 'utf8')
  for (const line of mounts.split('\n')) {
    const [before, after] = line.split(' - ')
    if (after?.startsWith('cgroup2 ')) return before?.split(' ')[4]
  }
  return undefined
}

/**
 * A control group of our own: the one handle that reaches every process of a host, whatever it forked to.
 * Each host needs one anyway: two systemds in one group would take each other's units for their own.
 */
export class ControlGroup {
  readonly path: string

  constructor(path: string) {
    this.path = path
  }

  static async of(name: string): Promise<ControlGroup> {
    const tree = await unifiedTree()
    if (!tree) throw new Error('no cgroup2 file system is mounted on this machine')
    return new ControlGroup(join(tree, name))
  }

  child(name: string): ControlGroup {
    return new ControlGroup(join(this.path, name))
  }

  async create(): Promise<void> {
    await mkdir(this.path, { recursive: true })
  }

  /** SIGKILLs every process in the group and below, frozen ones too, and waits until none is left. */
  async kill(timeoutMs = 15_000): Promise<void> {
    if (!(await this.#exists())) return
    await writeFile(join(this.path, 'cgroup.kill'), '1')
    const what = `the processes in ${this.path} to die`
    await poll(async () => (await this.#events()).populated === '0', { timeoutMs, what, everyMs: 10 })
  }

  /** Stops every process of the group where it stands (or lets it go on), and waits until that is so. */
  async setFrozen(isFrozen: boolean, timeoutMs = 10_000): Promise<void> {
    const value = isFrozen ? '1' : '0'
    await writeFile(join(this.path, 'cgroup.freeze'), value)
    const what = `${this.path} to be ${isFrozen ? 'frozen' : 'thawed'}`
    await poll(async () => (await this.#events()).frozen === value, { timeoutMs, what, everyMs: 10 })
  }

  /** Kills what is in the group and removes it with everything below. Nothing to remove is no error. */
  async remove(): Promise<void> {
    await this.kill()
    await removeTree(this.path)
  }

  async #exists(): Promise<boolean> {
    return (await listFolders(this.path)) !== undefined
  }

  async #events(): Promise<Record<string, string>> {
    const text = await readFile(join(this.path, 'cgroup.events'), 'utf8')
    return Object.fromEntries(
      text
        .trim()
        .split('\n')
        .map((line) => line.split(' ') as [string, string]),
    )
  }
}

async function removeTree(path: string): Promise<void> {
  const folders = await listFolders(path)
  if (!folders) return
  for (const folder of folders) await removeTree(join(path, folder))
  // The kernel lets go of a group a moment after its last process was reaped.
  const isRemoved = () => rmdir(path).then(() => true as const, tolerateBusy)
  await poll(isRemoved, { timeoutMs: 10_000, everyMs: 10, what: `${path} to be removable` })
}

function tolerateBusy(error: NodeJS.ErrnoException): boolean {
  if (error.code === 'EBUSY') return false
  if (error.code === 'ENOENT') return true
  throw error
}

async function listFolders(path: string): Promise<string[] | undefined> {
  try {
    const entries = await readdir(path, { withFileTypes: true })
    return entries.filter((entry) => entry.isDirectory()).map((entry) => entry.name)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}
