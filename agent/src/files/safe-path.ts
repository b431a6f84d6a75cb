import {
  closeSync,
  constants,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readlinkSync,
  statfsSync,
} from 'node:fs'
import { RollcallError, sanitizeText } from '@rollcall/contracts'
import { errorCode } from '../platform/files.ts'

const FOLDER = constants.O_RDONLY | constants.O_DIRECTORY | constants.O_NOFOLLOW
const MAX_LINKS = 40
/** proc(5) and sysfs(5): what is there are questions to the kernel and no files. */
const NO_FILES = new Set([0x9fa0, 0x62656572])

/** A folder that is held open: whatever becomes of its name, what is done in it is done in it. */
export class Folder {
  readonly fd: number
  /** As it was asked for, for messages. */
  readonly path: string

  constructor(fd: number, path: string) {
    this.fd = fd
    this.path = path
  }

  /** The path of something in this folder, which no change to the folders above it can lead elsewhere. */
  at(name: string): string {
    return `/proc/self/fd/${this.fd}/${name}`
  }

  close(): void {
    closeSync(this.fd)
  }
}

interface WalkOptions {
  /** Makes folders that are missing, with mode 755. */
  makes: boolean
  /** Told of every folder that was made. */
  onMade?: (fd: number) => void
}

/**
 * Opens a folder component by component, each by the open one above it, so that nobody can exchange one in between. A symbolic
 * link on the way is followed only where root alone could have put it there: it is root's, and so is its folder, in which
 * nobody else may write. `start` is where a relative path begins; without it, at the root.
 * @throws RollcallError `file.not_found`, `file.path_refused`
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

/**
 * The folder of a file, held open, and its name there. Links are followed as above; one that the file itself is, too.
 * @throws RollcallError `file.not_found`, `file.path_refused`
 */
export function openParent(path: string): { folder: Folder; name: string } {
  const walk = new Walk(path)
  const pending = path.split('/').filter((name) => name !== '')
  try {
    while (true) {
      const name = pending.shift()
      if (name === undefined) throw refused(path, 'it leads to no file')
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

  /** False for what is no folder, or is not there. */
  enter(name: string): boolean {
    try {
      const next = openSync(`/proc/self/fd/${this.fd}/${name}`, FOLDER)
      closeSync(this.fd)
      this.fd = next
      this.#real.push(name)
      return true
    } catch (error) {
      if (['ELOOP', 'ENOTDIR', 'ENOENT'].includes(errorCode(error))) return false
      throw error
    }
  }

  isLink(name: string): boolean {
    const at = `/proc/self/fd/${this.fd}/${name}`
    return lstatSync(at, { throwIfNoEntry: false })?.isSymbolicLink() ?? false
  }

  /** Null for what is not there. Throws for what is neither a folder nor a link that may be followed. */
  linkTarget(name: string): string | null {
    const at = `/proc/self/fd/${this.fd}/${name}`
    const stat = lstatSync(at, { throwIfNoEntry: false })
    if (stat === undefined) return null
    const place = `/${[...this.#real, name].join('/')}`
    if (!stat.isSymbolicLink()) throw refused(this.#path, `${place} is no folder`)
    if (this.#isRelative) throw refused(this.#path, 'a symbolic link is on the way within the tree')
    const folder = fstatSync(this.fd)
    const isRoots = [stat.uid, folder.uid].every((uid) => uid === 0 || uid === process.getuid?.())
    if (!isRoots || (folder.mode & 0o022) !== 0)
      throw refused(
        this.#path,
        `${place} is a symbolic link that somebody other than root could have put there`,
      )
    if (++this.#links > MAX_LINKS) throw refused(this.#path, 'its symbolic links lead in a circle')
    return readlinkSync(at)
  }

  /** The names that are still to be entered for a link's target. */
  follow(target: string): string[] {
    const names = target.split('/').filter((name) => name !== '' && name !== '.')
    const isAbsolute = target.startsWith('/')
    if (!isAbsolute && !names.includes('..')) return names
    const whole: string[] = []
    for (const name of isAbsolute ? names : [...this.#real, ...names]) {
      // What is before it was entered as a folder, or comes out of a link of root's.
      if (name === '..') whole.pop()
      else whole.push(name)
    }
    closeSync(this.fd)
    this.fd = openSync('/', FOLDER)
    this.#real = []
    return whole
  }

  make(name: string, onMade?: (fd: number) => void): void {
    try {
      mkdirSync(`/proc/self/fd/${this.fd}/${name}`, { mode: 0o755 })
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') throw error
      return
    }
    if (onMade === undefined) return
    const made = openSync(`/proc/self/fd/${this.fd}/${name}`, FOLDER)
    try {
      onMade(made)
    } finally {
      closeSync(made)
    }
  }
}

function refuseKernelFiles(fd: number, path: string): void {
  if (NO_FILES.has(statfsSync(`/proc/self/fd/${fd}/.`).type))
    throw refused(path, 'what is there belongs to the kernel and is no file')
}

const words = (path: string): string => sanitizeText(path, 300)

export const notFound = (path: string): RollcallError =>
  new RollcallError('file.not_found', `There is no ${words(path)} on this host.`)

export const refused = (path: string, why: string): RollcallError =>
  new RollcallError('file.path_refused', `The path ${words(path)} is not used: ${sanitizeText(why, 500)}.`)
