import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { run, say } from '../setup.mjs'

const PLACES = ['/usr/bin', '/usr/local/bin']

const isThere = (program, places = PLACES) => places.some((place) => existsSync(join(place, program)))

/** Installs with apt-get those linters that the machine lacks: their packages have their names. Resolves to what is missing after all, and why. */
export async function installLinters(programs) {
  const missing = programs.filter((program) => !isThere(program))
  if (missing.length === 0) return { missing, why: null }
  if (!isThere('apt-get')) return { missing, why: 'there is no apt-get to install it' }
  if (process.getuid() !== 0)
    return { missing, why: `not root; "apt-get install ${missing.join(' ')}" brings it` }
  say(`installing ${missing.join(' ')} with apt-get`)
  // Another apt may be at work: wait for it rather than fail.
  const lockTimeout = ['-o', 'DPkg::Lock::Timeout=300']
  const quiet = { isQuiet: true, env: { DEBIAN_FRONTEND: 'noninteractive' } }
  await run('apt-get', [...lockTimeout, 'update', '-q'], quiet)
  await run('apt-get', [...lockTimeout, 'install', '-qy', '--no-install-recommends', ...missing], quiet)
  return { missing: [], why: null }
}
