import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { ask, run } from '../bed/tools.ts'

const POLICY = '/usr/sbin/policy-rc.d'
const INSTALL_TIMEOUT_MS = 10 * 60_000
const QUIET = { DEBIAN_FRONTEND: 'noninteractive' }
/** Another apt may be at work (a machine's daily timer): wait for it rather than fail. */
const LOCK_TIMEOUT = ['-o', 'DPkg::Lock::Timeout=300']

let hasUpdated = false

/**
 * Installs a Debian package when `program` (a path) is missing. No service of it is started. Resolves to
 * the reason why it cannot be had, undefined when the program is there.
 */
export async function installPeer(
  program: string,
  name: string,
  log: (line: string) => void,
): Promise<string | undefined> {
  if (existsSync(program)) return undefined
  if (!existsSync('/usr/bin/apt-get')) return 'there is no apt-get on this machine'
  log(`installing ${name} with apt-get`)
  // Debian's way of telling maintainer scripts to start nothing. A machine that has a policy of its own keeps it.
  const hasPolicy = existsSync(POLICY)
  if (!hasPolicy) await writeFile(POLICY, '#!/bin/sh\nexit 101\n', { mode: 0o755 })
  try {
    if (!hasUpdated) {
      await run('apt-get', [...LOCK_TIMEOUT, 'update', '-q'], { env: QUIET, timeoutMs: INSTALL_TIMEOUT_MS })
      hasUpdated = true
    }
    const install = [...LOCK_TIMEOUT, 'install', '-qy', '--no-install-recommends', name]
    const { exitCode, stderr } = await ask('apt-get', install, { env: QUIET, timeoutMs: INSTALL_TIMEOUT_MS })
    if (exitCode !== 0) return `apt-get install ${name} ended with ${exitCode}: ${stderr.slice(-300)}`
    return existsSync(program) ? undefined : `the package ${name} has no ${program}`
  } finally {
    if (!hasPolicy) await rm(POLICY)
  }
}
