import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { run, say } from './setup.mjs'

const PLACES = ['/usr/bin', '/usr/local/bin']
/** Packages whose names are not those of their programs. */
const PACKAGES = { 'pytest-3': 'python3-pytest' }

const isThere = (program) => PLACES.some((place) => existsSync(join(place, program)))

/** Installs with apt-get those programs that the machine lacks. Resolves to what is missing after all, and why. */
export async function installTools(programs) {
  const missing = programs.filter((program) => !isThere(program))
  if (missing.length === 0) return { missing, why: null }
  if (!isThere('apt-get')) return { missing, why: 'there is no apt-get to install it' }
  const packages = missing.map((program) => PACKAGES[program] ?? program)
  if (process.getuid() !== 0)
    return { missing, why: `not root; "apt-get install ${packages.join(' ')}" brings it` }
  say(`installing ${packages.join(' ')} with apt-get`)
  // Another apt may be at work: wait for it rather than fail.
  const lockTimeout = ['-o', 'DPkg::Lock::Timeout=300']
  const quiet = { isQuiet: true, env: { DEBIAN_FRONTEND: 'noninteractive' } }
  await run('apt-get', [...lockTimeout, 'update', '-q'], quiet)
  await run('apt-get', [...lockTimeout, 'install', '-qy', '--no-install-recommends', ...packages], quiet)
  return { missing: [], why: null }
}
