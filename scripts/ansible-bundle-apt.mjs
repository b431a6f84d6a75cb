/** Fetches Debian packages, signatures checked, without root and without touching the machine's own apt. */
import { existsSync } from 'node:fs'
import { mkdir, readdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { BundleError, run, sha256Of } from './ansible-bundle-run.mjs'
import { debianMirrors } from './debian-mirrors.mjs'

// Nothing of it is compiled in the end: naming one makes the archive the same wherever it is built.
const ARCHITECTURE = 'amd64'
const KEYRING = '/usr/share/keyrings/debian-archive-keyring.gpg'

/**
 * Downloads `packages` of Debian `suite`, with its updates, into a folder in `work`.
 * @returns {Promise<{ path: string, name: string, version: string, sha256: string }[]>}
 */
export async function download(work, suite, packages) {
  const env = { ...process.env, LC_ALL: 'C', APT_CONFIG: await writeAptConfig(work, suite) }
  const debs = join(work, 'debs')
  await mkdir(debs)
  try {
    await run('apt-get', ['-q', 'update'], { env })
    await run('apt-get', ['-q', 'download', ...packages], { env, cwd: debs })
  } catch (error) {
    const { archive } = await debianMirrors()
    const remedy = 'Set ROLLCALL_ANSIBLE_BUNDLE to an archive that this script made on a machine that can'
    throw new BundleError(
      `Ansible cannot be fetched from ${archive} with apt-get. ${remedy}. ${error.message}`,
      {
        cause: error,
      },
    )
  }
  const files = (await readdir(debs)).filter((name) => name.endsWith('.deb')).sort()
  const fields = ['Package', 'Version']
  return Promise.all(
    files.map(async (name) => {
      const path = join(debs, name)
      const [package_, version] = await Promise.all(
        fields.map((field) => run('dpkg-deb', ['--field', path, field])),
      )
      return { path, name: package_.trim(), version: version.trim(), sha256: await sha256Of(path) }
    }),
  )
}

/** A configuration that keeps apt away from the machine's own state, sources and hooks. Returns its path. */
async function writeAptConfig(work, suite) {
  if (!existsSync(KEYRING))
    throw new BundleError(`${KEYRING} is missing: install the package debian-archive-keyring`)
  const { archive, security } = await debianMirrors()
  const places = { lists: join(work, 'lists'), cache: join(work, 'cache') }
  await mkdir(join(places.lists, 'partial'), { recursive: true })
  await mkdir(join(places.cache, 'archives/partial'), { recursive: true })
  const from = (uri, suite) => `deb [signed-by=${KEYRING} arch=${ARCHITECTURE}] ${uri} ${suite} main\n`
  const sources = join(work, 'sources.list')
  const suites = [
    from(archive, suite),
    from(archive, `${suite}-updates`),
    from(security, `${suite}-security`),
  ]
  await writeFile(sources, suites.join(''))
  const settings = {
    'Dir::Etc::main': '/dev/null',
    'Dir::Etc::parts': '/dev/null',
    'Dir::Etc::preferences': '/dev/null',
    'Dir::Etc::preferencesparts': '/dev/null',
    'Dir::Etc::sourcelist': sources,
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': places.lists,
    'Dir::State::status': '/dev/null',
    'Dir::Cache': places.cache,
    'Debug::NoLocking': '1',
    'APT::Architecture': ARCHITECTURE,
    'APT::Architectures': ARCHITECTURE,
    // As root apt would become another user, who cannot enter this folder.
    'APT::Sandbox::User': 'root',
    // Half an update, or one whose signatures do not hold, is none.
    'APT::Update::Error-Mode': 'any',
    'Acquire::AllowInsecureRepositories': 'false',
    'Acquire::AllowDowngradeToInsecureRepositories': 'false',
    'APT::Get::AllowUnauthenticated': 'false',
    'Acquire::Languages': 'none',
    'Acquire::Retries': '3',
    'Acquire::http::Timeout': '30',
  }
  const lines = Object.entries(settings).map(([name, value]) => `${name} "${value}";\n`)
  const path = join(work, 'apt.conf')
  // May hold a proxy's password.
  await writeFile(path, [await transportOfApt(), ...lines].join(''), { mode: 0o600 })
  return path
}

/** How this machine's apt reaches mirrors (proxies, certificates): all of its own configuration that we keep. */
async function transportOfApt() {
  let dump
  try {
    dump = await run('apt-config', ['dump'])
  } catch (error) {
    const remedy =
      'build the archive on a Debian or Ubuntu machine and set ROLLCALL_ANSIBLE_BUNDLE to its path'
    throw new BundleError(`Ansible is put together with apt-get: ${remedy}. ${error.message}`, {
      cause: error,
    })
  }
  const lines = dump.split('\n').filter((line) => /^Acquire::https?(::[^ ]+)? "[^"]+";$/.test(line))
  return lines.map((line) => `${line}\n`).join('')
}
