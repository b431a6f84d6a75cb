import { readFileSync, writeFileSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'
import { errorCode } from './files.ts'

const OOM = '/proc/self/oom_score_adj'

/**
 * Runs `spawn` with the priorities and the umask that a program should start with, and puts the runner's own back. The runner's
 * unit sets all three; a child inherits them at the moment it is made, so changing them afterwards would miss its first children.
 */
export function withProgramDefaults<T>(umask: number, spawn: () => T): T {
  const own = process.umask(umask)
  try {
    return withDefaultPriorities(spawn)
  } finally {
    process.umask(own)
  }
}

/** Runs `spawn` with the priorities of an ordinary process, and puts the runner's own back. */
export function withDefaultPriorities<T>(spawn: () => T): T {
  const nice = getPriority()
  const oom = readFileSync(OOM, 'latin1').trim()
  if (nice < 0) setPriority(0)
  if (Number(oom) < 0) writeFileSync(OOM, '0')
  try {
    return spawn()
  } finally {
    if (nice < 0) tolerateRefusal(() => setPriority(nice))
    if (Number(oom) < 0) tolerateRefusal(() => writeFileSync(OOM, oom))
  }
}

// Going back up is a privilege; a runner without it goes on at the default.
function tolerateRefusal(action: () => void): void {
  try {
    action()
  } catch (error) {
    if (!['EACCES', 'EPERM', 'ERR_SYSTEM_ERROR'].includes(errorCode(error))) throw error
  }
}
