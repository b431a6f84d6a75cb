import { accessSync, constants, statSync } from 'node:fs'
import { resolve } from 'node:path'

export type ResolvedProgram = { path: string } | { returnCode: 126 | 127; message: string }

type Candidate = 'runnable' | 'not-executable' | 'missing'

function probe(path: string): Candidate {
  const stat = statSync(path, { throwIfNoEntry: false })
  if (stat === undefined) return 'missing'
  if (!stat.isFile()) return 'not-executable'
  try {
    accessSync(path, constants.X_OK)
    return 'runnable'
  } catch {
    // Any error of access(2) means that it must not be executed.
    return 'not-executable'
  }
}

const probeSafely = (path: string): Candidate => {
  try {
    return probe(path)
  } catch {
    // ENOTDIR, EACCES, ELOOP, ENAMETOOLONG: the path leads to no program.
    return 'missing'
  }
}

/**
 * Finds a program as a shell does: a name with a slash is a path from `cwd`, any other is looked up in `searchPath`. Returns the path,
 * or the shell's code: 127 if it is missing, 126 if it cannot be executed.
 */
export function resolveProgram(command: string, cwd: string, searchPath: string): ResolvedProgram {
  const fault = probeFolder(cwd)
  if (fault !== null) return { returnCode: 126, message: fault }
  const candidates = command.includes('/')
    ? [resolve(cwd, command)]
    : searchPath.split(':').map((entry) => resolve(cwd, entry, command))
  let isFound = false
  for (const path of candidates) {
    const candidate = probeSafely(path)
    if (candidate === 'runnable') return { path }
    isFound ||= candidate === 'not-executable'
  }
  if (isFound) return { returnCode: 126, message: `${command} is on the host but not an executable file.` }
  const where = command.includes('/') ? '' : ' on PATH'
  return { returnCode: 127, message: `There is no program ${command}${where} on the host.` }
}

/** Returns why the folder cannot be a working directory, or null if it can. */
function probeFolder(cwd: string): string | null {
  try {
    return statSync(cwd).isDirectory() ? null : `The working directory ${cwd} is not a directory.`
  } catch (error) {
    return `The working directory ${cwd} cannot be entered (${(error as NodeJS.ErrnoException).code}).`
  }
}
