#!/usr/bin/env node
/**
 * Makes one archive of pure-Python Ansible out of Debian's own packages, for hosts that have python3 ≥ 3.9 and
 * nothing else. Unpacked in DIR it runs as `python3 -I DIR -i localhost, -c local PLAYBOOK` (ansible-playbook).
 *
 * Needs apt-get, dpkg-deb, tar and gzip, a Debian mirror, and no root; apt's lists and cache are its own, so the machine
 * is left as it was. apt checks the chain of signatures from Debian's keyring to each package.
 * Node built-ins only: it runs before anything is installed.
 */
import { createHash } from 'node:crypto'
import { existsSync, readFileSync, realpathSync } from 'node:fs'
import {
  chmod,
  copyFile,
  lstat,
  mkdir,
  mkdtemp,
  readdir,
  readFile,
  rename,
  rm,
  utimes,
  writeFile,
} from 'node:fs/promises'
import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { download } from './ansible-bundle-apt.mjs'
import { forThisBundle, shortenRouting, shortenSettings } from './ansible-bundle-data.mjs'
import { BundleError, run, sha256Of } from './ansible-bundle-run.mjs'

export { BundleError }

const PACKAGES = [
  'ansible-core',
  'python3-jinja2',
  'python3-markupsafe',
  'python3-packaging',
  'python3-resolvelib',
  'python3-yaml',
]
// 2.14 is the last whose own code runs on Debian 11's Python 3.9 as well as on Debian 13's 3.13.
const SUITE = 'bookworm'
/** Ours, at the root of the archive: the one entry point, for `python3 -I DIR` puts DIR first on the path, and what it needs. */
const OWN = ['__main__.py', 'rollcall_copies.py', 'rollcall_modules.py', 'rollcall_yaml.py']
const ownFile = (name) => new URL(`ansible/${name}`, import.meta.url)
/** Hash of the scripts themselves: any change in how the archive is made rebuilds the caches. */
const RECIPE = createHash('sha256')
  .update(
    [
      'ansible-bundle.mjs',
      'ansible-bundle-apt.mjs',
      'ansible-bundle-data.mjs',
      ...OWN.map((name) => `ansible/${name}`),
    ]
      .map((name) => readFileSync(new URL(name, import.meta.url), 'utf8'))
      .join('\0'),
  )
  .digest('hex')
/** Each release of Rollcall is made with the packages of its day. */
const { version: RELEASE } = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const LEFT_OUT = ['ansible_test', '__pycache__']
// The time of every file and folder that we make ourselves: 2026-01-01, UTC.
const RECIPE_TIME_S = 1_767_225_600
const MANIFEST = 'MANIFEST.json'

/**
 * @typedef {object} Bundle
 * @property {string} path the archive, a .tar.gz whose names begin at its root
 * @property {string} sha256 of the archive: the same for the same package versions on the same day
 * @property {Record<string, string>} versions of each Debian package in it
 */

/**
 * Returns the bundle, building it (a few seconds, 12 MB of downloads) when the cache has none of this recipe and release of Rollcall.
 * `refresh` builds it again from the packages of today. ROLLCALL_ANSIBLE_BUNDLE, the path of a ready archive,
 * takes the place of both cache and build. Safe to run twice at once.
 * @param {{ cacheDir?: string, log?: (line: string) => void, refresh?: boolean }} [options]
 * @returns {Promise<Bundle>}
 */
export async function buildAnsibleBundle({
  cacheDir = defaultCacheDir(),
  log = () => undefined,
  refresh = false,
} = {}) {
  const given = process.env.ROLLCALL_ANSIBLE_BUNDLE
  if (given) return readGiven(resolve(given))
  const stamp = join(cacheDir, 'ansible-bundle.json')
  const cached = refresh ? undefined : await readStamp(stamp, cacheDir)
  if (cached) return cached
  await mkdir(cacheDir, { recursive: true })
  const work = await mkdtemp(join(cacheDir, '.ansible-bundle-'))
  try {
    log(`fetching ${PACKAGES.join(' ')} of Debian ${SUITE}`)
    const packages = await download(work, SUITE, PACKAGES)
    const tree = await layOut(work, packages)
    const versions = Object.fromEntries(packages.map(({ name, version }) => [name, version]))
    const file = `ansible-${versions['ansible-core']}.tar.gz`
    const archive = await pack(work, tree)
    const sha256 = await sha256Of(archive)
    await rename(archive, join(cacheDir, file))
    await writeFile(join(work, 'stamp'), asJson({ recipe: RECIPE, release: RELEASE, file, sha256, versions }))
    await rename(join(work, 'stamp'), stamp)
    log(`made ${join(cacheDir, file)}, sha256 ${sha256}`)
    return { path: join(cacheDir, file), sha256, versions }
  } finally {
    await rm(work, { recursive: true, force: true })
  }
}

/** The day in UTC, by which servers tell how old the packages are. */
const today = () => new Date().toISOString().slice(0, 10)

export function defaultCacheDir() {
  const caches = process.env.XDG_CACHE_HOME || join(homedir(), '.cache')
  return process.env.ROLLCALL_CACHE_DIR || join(caches, 'rollcall')
}

async function readGiven(path) {
  if (!existsSync(path)) throw new BundleError(`ROLLCALL_ANSIBLE_BUNDLE names ${path}, which does not exist`)
  try {
    const { packages } = JSON.parse(
      await run('tar', ['--extract', '--gzip', '--to-stdout', '--file', path, MANIFEST]),
    )
    const versions = Object.fromEntries(
      Object.entries(packages).map(([name, { version }]) => [name, version]),
    )
    return { path, sha256: await sha256Of(path), versions }
  } catch (error) {
    const reason = `ROLLCALL_ANSIBLE_BUNDLE names ${path}, which is not an archive made by this script`
    throw new BundleError(`${reason}: ${error.message}`, { cause: error })
  }
}

/** Reads the archive of an earlier run. Returns it if it is of this recipe and unchanged to the byte. */
async function readStamp(stamp, cacheDir) {
  if (!existsSync(stamp)) return undefined
  const { recipe, release, file, sha256, versions } = JSON.parse(await readFile(stamp, 'utf8'))
  const path = join(cacheDir, String(file))
  if (recipe !== RECIPE || release !== RELEASE || !existsSync(path) || (await sha256Of(path)) !== sha256)
    return undefined
  return { path, sha256, versions }
}

/** One folder with what Python needs to import, what licences ask for, and the manifest. */
async function layOut(work, packages) {
  const startedMs = Date.now()
  const [unpacked, tree] = [join(work, 'unpacked'), join(work, 'tree')]
  await mkdir(unpacked)
  for (const { path } of packages) await run('dpkg-deb', ['--extract', path, unpacked])
  const modules = join(unpacked, 'usr/lib/python3/dist-packages')
  for (const name of LEFT_OUT) await rm(join(modules, name), { recursive: true, force: true })
  await rename(modules, tree)
  const config = join(tree, 'ansible/config')
  await rewrite(join(config, 'ansible_builtin_runtime.yml'), shortenRouting)
  await rewrite(join(config, 'base.yml'), shortenSettings)
  for (const name of OWN) await copyFile(ownFile(name), join(tree, name))
  await writeNotices(unpacked, tree, packages)
  const contents = packages.map(({ name, version, sha256 }) => [name, { version, sha256 }])
  await writeFile(
    join(tree, MANIFEST),
    asJson({ suite: SUITE, recipe: RECIPE, made: today(), packages: Object.fromEntries(contents) }),
  )
  await settle(tree, startedMs)
  return tree
}

async function rewrite(path, shorten) {
  await writeFile(path, forThisBundle(shorten(await readFile(path, 'utf8'))))
}

async function writeNotices(unpacked, tree, packages) {
  const notices = join(tree, 'NOTICES')
  await mkdir(notices)
  for (const { name } of packages) {
    const copyright = await readFile(join(unpacked, 'usr/share/doc', name, 'copyright'))
    await writeFile(join(notices, name), copyright)
  }
  const list = packages.map(({ name, version }) => `${name} ${version}`).join('\n')
  await writeFile(
    join(notices, 'README'),
    `This folder holds the Python files of these packages of Debian ${SUITE}, each under its own licence,\n` +
      `found here under its name. Their source code: https://snapshot.debian.org/\n\n${list}\n\n` +
      'Changed: ansible/config/base.yml and ansible/config/ansible_builtin_runtime.yml, as their first lines say.\n' +
      `Added, and not part of these packages: ${OWN.join(', ')}.\n` +
      'Left out: ansible_test, and compiled modules, which have pure-Python equivalents.\n',
  )
}

/**
 * Removes compiled modules and all that would differ from build to build: modes, and times of what we wrote. Debian's own times
 * stay: Python takes a cached .pyc for current by the source's time and size.
 */
async function settle(path, startedMs) {
  const info = await lstat(path)
  if (info.isSymbolicLink() || path.endsWith('.so')) return rm(path)
  await chmod(path, info.isDirectory() ? 0o755 : 0o644)
  if (info.isDirectory()) for (const name of await readdir(path)) await settle(join(path, name), startedMs)
  if (info.isDirectory() || info.mtimeMs >= startedMs - 1000) await utimes(path, RECIPE_TIME_S, RECIPE_TIME_S)
}

async function pack(work, tree) {
  const archive = join(work, 'bundle.tar')
  const names = (await readdir(tree)).sort()
  const stable = ['--sort=name', '--format=gnu', '--owner=0', '--group=0', '--numeric-owner']
  await run('tar', ['--create', ...stable, '--file', archive, '--directory', tree, ...names], {
    env: { ...process.env, LC_ALL: 'C' },
  })
  await run('gzip', ['--no-name', '--best', archive])
  return `${archive}.gz`
}

function asJson(value) {
  return `${JSON.stringify(value, undefined, 2)}\n`
}

async function main() {
  const unknown = process.argv.slice(2).filter((argument) => argument !== '--refresh')
  if (unknown.length > 0) throw new BundleError('usage: ansible-bundle.mjs [--refresh]')
  const log = (line) => console.error(line)
  const { path, sha256, versions } = await buildAnsibleBundle({
    log,
    refresh: process.argv.includes('--refresh'),
  })
  console.log(asJson({ path, sha256, versions }).trimEnd())
}

if (process.argv[1] && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    await main()
  } catch (error) {
    if (!(error instanceof BundleError)) throw error
    console.error(error.message)
    process.exitCode = 1
  }
}
