import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  statfsSync,
  unlinkSync,
} from 'node:fs'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { closing, ifThere, unlessCode } from '../platform/files.ts'

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
const MAX_LINKS = 40
/** Magic numbers of proc(5) and sysfs(5), which hold kernel interfaces and no files. */
const KERNEL_FILESYSTEMS = new Set([0x9fa0, 0x62656572])

/** A folder that is held open: operations stay in it even if its name is moved or replaced. */
export class Folder implements Disposable {
  readonly fd: number
  /** The path as requested, for messages. */
  readonly path: string

  constructor(fd: number, path: string) {
    this.fd = fd
    this.path = path
  }

  /** Returns a path to an entry of this folder that no change to the folders above can redirect. */
  at(name: string): string {
    return `/proc/self/fd/${this.fd}/${name}`
  }

  /** Lists the entries, sorted. `isUtf8` is false for a name that cannot be written as text. */
  list(): { name: string; isUtf8: boolean }[] {
    return readdirSync(this.at('.'), { encoding: 'buffer' })
      .sort(Buffer.compare)
      .map((raw) => {
        const name = raw.toString('utf8')
        return { name, isUtf8: Buffer.from(name).equals(raw) }
      })
  }

  /** Removes an entry that is no folder. Does nothing if there is none. */
  unlink(name: string): void {
    ifThere(() => unlinkSync(this.at(name)))
  }

  [Symbol.dispose](): void {
    closeSync(this.fd)
  }
}

interface WalkOptions {
  /** Creates missing folders, with mode 755. */
  makes: boolean
  /** Called with each folder that was created. */
  onMade?: (fd: number) => void
}

/**
 * Opens a folder component by component, each relative to the open one above, so that none can be replaced in between; `start` is
 * where a relative path begins. Follows a symbolic link only if it and its folder belong to root and nobody else may write there.
 * Throws `file.not_found`, `file.path_refused`.
 */
export function openFolder(path: string, { makes, onMade }: WalkOptions, start?: Folder): Folder {
  const walk = new Walk(path, start)
  const pending = path.split('/').filter((name) => name !== '')
  try {
    while (pending.length > 0) {
      const name = pending.shift() as string
      if (walk.enter(name)) continue
      const target = walk.linkTarget(name)
      if (target === null) {
        if (!makes) throw notFound(path)
        walk.make(name, onMade)
        pending.unshift(name)
        continue
      }
      pending.unshift(...walk.follow(target))
    }
    refuseKernelFiles(walk.fd, path)
    return new Folder(walk.fd, path)
  } catch (error) {
    closeSync(walk.fd)
    throw error
  }
}

/** Opens a folder as `openFolder`, creating nothing. Returns null if it is missing. */
export function findFolder(path: string, start?: Folder): Folder | null {
  try {
    return openFolder(path, { makes: false }, start)
  } catch (error) {
    if (error instanceof RollcallError && error.code === 'file.not_found') return null
    throw error
  }
}

/**
 * Opens the folder of a file. Returns it with the file's name there; links are followed as in `openFolder`, the file's own too.
 * Throws `file.not_found`, `file.path_refused`.
 */
export function openParent(path: string): { folder: Folder; name: string } {
  const walk = new Walk(path)
  const pending = path.split('/').filter((name) => name !== '')
  try {
    while (true) {
      const name = pending.shift()
      if (name === undefined) throw refused(path, 'it names no file')
      if (pending.length === 0 && !walk.isLink(name)) {
        refuseKernelFiles(walk.fd, path)
        return { folder: new Folder(walk.fd, path), name }
      }
      if (pending.length > 0 && walk.enter(name)) continue
      const target = walk.linkTarget(name)
      if (target === null) throw notFound(path)
      pending.unshift(...walk.follow(target))
    }
  } catch (error) {
    closeSync(walk.fd)
    throw error
  }
}

class Walk {
  readonly #path: string
  readonly #isRelative: boolean
  /** The names below the root that led to `fd`, none of them a link. */
  #real: string[] = []
  #links = 0
  fd: number

  constructor(path: string, start?: Folder) {
    this.#path = path
    this.#isRelative = start !== undefined
    this.fd = openSync(start === undefined ? '/' : `/proc/self/fd/${start.fd}/.`, FOLDER)
  }

  /** Enters a folder. Returns false if the name is missing or no folder. */
  enter(name: string): boolean {
    const open = () => openSync(`/proc/self/fd/${this.fd}/${name}`, FOLDER)
    const next = unlessCode(['ELOOP', 'ENOTDIR', 'ENOENT'], open)
    if (next === null) return false
    closeSync(this.fd)
    this.fd = next
    this.#real.push(name)
    return true
  }

  isLink(name: string): boolean {
    const at = `/proc/self/fd/${this.fd}/${name}`
    return lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
  }

  /** Returns the target of a link, or null if the name is missing. Throws for a file, and for a link that must not be followed. */
  linkTarget(name: string): string | null {
    const at = `/proc/self/fd/${this.fd}/${name}`
    const stat = lstatSync(at, { throwIfNoEntry: false })
    if (stat === undefined) return null
    const place = `/${[...this.#real, name].join('/')}`
    if (!stat.isSymbolicLink()) throw refused(this.#path, `${place} is not a folder`)
    if (this.#isRelative) throw refused(this.#path, 'it passes a symbolic link within the tree')
    const folder = fstatSync(this.fd)
    const isRoots = [stat.uid, folder.uid].every((uid) => uid === 0 || uid === process.getuid?.())
    if (!isRoots || (folder.mode & 0o022) !== 0)
      throw refused(this.#path, `${place} is a symbolic link that a user other than root could have created`)
    if (++this.#links > MAX_LINKS) throw refused(this.#path, 'its symbolic links form a loop')
    return readlinkSync(at)
  }

  /** Returns the names to enter to reach a link's target. */
  follow(target: string): string[] {
    const names = target.split('/').filter((name) => name !== '' && name !== '.')
    const isAbsolute = target.startsWith('/')
    if (!isAbsolute && !names.includes('..')) return names
    const whole: string[] = []
    for (const name of isAbsolute ? names : [...this.#real, ...names]) {
      if (name === '..') whole.pop()
      else whole.push(name)
    }
    closeSync(this.fd)
    this.fd = openSync('/', FOLDER)
    this.#real = []
    return whole
  }

  make(name: string, onMade?: (fd: number) => void): void {
    const make = () => mkdirSync(`/proc/self/fd/${this.fd}/${name}`, { mode: 0o755 })
    if (unlessCode(['EEXIST'], make) === null || onMade === undefined) return
    const made = openSync(`/proc/self/fd/${this.fd}/${name}`, FOLDER)
    using _made = closing(made)
    onMade(made)
  }
}

function refuseKernelFiles(fd: number, path: string): void {
  if (KERNEL_FILESYSTEMS.has(statfsSync(`/proc/self/fd/${fd}/.`).type))
    throw refused(path, 'it is on a kernel file system (/proc or /sys)')
}

const toPrintable = (path: string): string => sanitizeText(path, 300)

export const notFound = (path: string): RollcallError =>
  new RollcallError('file.not_found', `There is no ${toPrintable(path)} on this host.`)

export const refused = (path: string, why: string): RollcallError =>
  new RollcallError(
    'file.path_refused',
    `The path ${toPrintable(path)} is refused: ${sanitizeText(why, 500)}.`,
  )

/** Keeps the latest folder of a tree open: lists are sorted, so consecutive entries mostly share it. */
export class FolderCursor implements Disposable {
  readonly #root: Folder
  readonly #onMade: WalkOptions['onMade']
  #path: string | null = null
  #folder: Folder | null = null

  constructor(root: Folder, onMade?: WalkOptions['onMade']) {
    this.#root = root
    this.#onMade = onMade
  }

  /** Returns the folder of an entry of the tree, or null if it is missing. */
  find(entry: string): Folder | null {
    return this.#move(entry, (path) => findFolder(path, this.#root))
  }

  /** Returns the folder of an entry of the tree, created if missing. */
  create(entry: string): Folder {
    if (this.#folder === null) this.#path = null
    return this.#move(entry, (path) =>
      openFolder(path, { makes: true, onMade: this.#onMade }, this.#root),
    ) as Folder
  }

  [Symbol.dispose](): void {
    this.#folder?.[Symbol.dispose]()
    this.#folder = null
    this.#path = null
  }

  #move(entry: string, open: (path: string) => Folder | null): Folder | null {
    const path = entry.slice(0, Math.max(entry.lastIndexOf('/'), 0))
    if (path !== this.#path) {
      this[Symbol.dispose]()
      this.#folder = open(path)
      this.#path = path
    }
    return this.#folder
  }
}
