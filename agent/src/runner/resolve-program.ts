import { accessSync, constants, statSync } from 'node:fs'
import { resolve } from 'node:path'

export type ResolvedProgram = { path: string } | { returnCode: 126 | 127; message: string }

type Look = 'runnable' | 'not-executable' | 'missing'

function look(path: string): Look {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return 'missing'
  if (!stat.isFile()) return 'not-executable'
  try {
    accessSync(path, constants.X_OK)
    return 'runnable'
  } catch {
    // The only question was whether it may be executed, and this is the answer.
    return 'not-executable'
  }
}

const lookSafely = (path: string): Look => {
  try {
    return look(path)
  } catch {
    // ENOTDIR, EACCES, ELOOP, ENAMETOOLONG: no program can be reached at this path.
    return 'missing'
  }
}

/**
 * Finds a program as a shell would: a name with a slash is a path from `cwd`, any other is looked up in `searchPath`.
 * The codes are the shell's: 127 when it is not there, 126 when it is but cannot be run.
 */
export function resolveProgram(command: string, cwd: string, searchPath: string): ResolvedProgram {
  const folder = lookAtFolder(cwd)
  if (folder !== null) return { returnCode: 126, message: folder }
  const candidates = command.includes('/')
    ? [resolve(cwd, command)]
    : searchPath.split(':').map((entry) => resolve(cwd, entry, command))
  let isThere = false
  for (const path of candidates) {
    const look = lookSafely(path)
    if (look === 'runnable') return { path }
    isThere ||= look === 'not-executable'
  }
  if (isThere) return { returnCode: 126, message: `${command} is on the host but not an executable file.` }
  const where = command.includes('/') ? '' : ' on PATH'
  return { returnCode: 127, message: `There is no program ${command}${where} on the host.` }
}

function lookAtFolder(cwd: string): string | null {
  try {
    return statSync(cwd).isDirectory() ? null : `The working directory ${cwd} is not a directory.`
  } catch (error) {
    return `The working directory ${cwd} cannot be entered (${(error as NodeJS.ErrnoException).code}).`
  }
}
