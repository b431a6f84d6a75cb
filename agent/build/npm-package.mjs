import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream, existsSync } from 'node:fs'
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises'
import { homedir } from 'node:os'
import { dirname, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'

const run = promisify(execFile)

/** npm installs the packages of its own architecture only; another one's is fetched once and checked against the lock file. */
export async function packageFolder(root, name, lock) {
  const installed = join(root, 'node_modules', name)
  if (existsSync(join(installed, 'package.json'))) return installed
  const locked = lock.packages[`node_modules/${name}`]
  if (locked?.integrity === undefined)
    throw new Error(`package-lock.json has no entry with an integrity for ${name}`)
  const cache =
    process.env.ROLLCALL_CACHE ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'rollcall')
  const folder = join(cache, 'npm', `${name.replace('/', '__')}-${locked.version}`)
  if (existsSync(join(folder, 'package.json'))) return folder
  await mkdir(dirname(folder), { recursive: true })
  const staging = await mkdtemp(`${folder}-`)
  try {
    const npm = ['pack', `${name}@${locked.version}`, '--pack-destination', staging, '--silent']
    const { stdout } = await run('npm', npm, { timeout: 300_000, maxBuffer: 1024 * 1024 })
    const tarball = join(staging, stdout.trim().split('\n').at(-1))
    await checkIntegrity(tarball, locked.integrity, name)
    await mkdir(join(staging, 'out'))
    await run('tar', ['-xzf', tarball, '-C', join(staging, 'out'), '--strip-components=1', '--no-same-owner'])
    await rename(join(staging, 'out'), folder)
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
  return folder
}

async function checkIntegrity(tarball, integrity, name) {
  const hash = createHash('sha512')
  await pipeline(createReadStream(tarball), hash)
  const found = `sha512-${hash.digest('base64')}`
  if (found !== integrity)
    throw new Error(`${name}: the registry's file has ${found}, package-lock.json wants ${integrity}`)
}
