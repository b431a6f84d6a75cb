import { readFileSync, writeFileSync } from 'node:fs'
import { getPriority, setPriority } from 'node:os'
import { unlessCode } from '../platform/files.ts'

const OOM = '/proc/self/oom_score_adj'

/**
 * Runs `spawn` with the priorities and umask of a login, and restores the runner's own, which its unit sets. A child inherits them
 * when it is forked, so a later change would miss its first children.
 */
export function withProgramDefaults<T>(umask: number, spawn: () => T): T {
  const own = process.umask(umask)
  try {
    return withDefaultPriorities(spawn)
  } finally {
    process.umask(own)
  }
}

/** Runs `spawn` with the priorities of an ordinary process, and restores the runner's own. */
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

// Raising priorities is a privilege; a runner without it stays at the default.
const tolerateRefusal = (action: () => void) =>
  void unlessCode(['EACCES', 'EPERM', 'ERR_SYSTEM_ERROR'], action)
