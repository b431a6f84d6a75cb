import { existsSync } from 'node:fs'
import { mkdir, readdir, rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { debianMirrors } from '../../scripts/debian-mirrors.mjs'
import { type Flavour, flavours, recipeKey } from './flavours.ts'
import { withLock } from './lock.ts'
import { cacheDir } from './places.ts'
import { ask, run } from './tools.ts'

const BUILD_TIMEOUT_MS = 15 * 60_000

/**
 * The folder of a flavour's root file system, built first when the cache has none (15–60 s).
 * Never write into it: it is the lower layer of every host of that flavour.
 */
export async function rootfsFor(
  flavour: Flavour,
  log: (line: string) => void = () => undefined,
): Promise<string> {
  const root = join(cacheDir(), `${flavour}-${recipeKey(flavour)}`)
  if (existsSync(root)) return root
  return withLock(`${root}.lock`, async () => {
    // Another process may have built it while we waited.
    if (!existsSync(root)) await build(flavour, root, log)
    return root
  })
}

async function build(flavour: Flavour, root: string, log: (line: string) => void): Promise<void> {
  const { suite, packages } = flavours[flavour]
  const mirror = (await debianMirrors()).archive
  await removeUnfinished(root)
  log(`building the ${flavour} root file system (Debian ${suite} from ${mirror}) into ${root}`)
  const started = performance.now()
  const unfinished = `${root}.building-${process.pid}`
  // In a pid namespace that dies with us: a build must not go on writing after its starter was killed.
  const wrapper = ['--pdeathsig', 'KILL', 'unshare', '--pid', '--fork', '--kill-child', '--mount-proc']
  const what = [
    'mmdebstrap',
    '--variant=minbase',
    `--include=${packages.join(',')}`,
    suite,
    unfinished,
    mirror,
  ]
  await run('setpriv', [...wrapper, ...what], {
    timeoutMs: BUILD_TIMEOUT_MS,
    env: await proxyOfApt(),
    onErrorLine: toProgress(flavour, log),
  })
  await forgetIdentity(unfinished)
  await rename(unfinished, root)
  log(`built ${flavour} in ${((performance.now() - started) / 1000).toFixed(1)} s`)
}

/** Tells the steps of mmdebstrap as they begin: it prints each as "I: installing essential packages...". */
function toProgress(flavour: Flavour, log: (line: string) => void): (line: string) => void {
  let reported = ''
  return (line) => {
    const [, step] = /^I: ([a-z].*?)(?:\.\.\.)?$/.exec(line) ?? []
    if (
      step === undefined ||
      step === reported ||
      !/^(running|downloading|extracting|installing|cleaning)/.test(step)
    )
      return
    reported = step
    log(`${flavour}: ${step}`)
  }
}

/** Removes what a killed builder left behind; the lock says that no living one is at work. */
async function removeUnfinished(root: string): Promise<void> {
  await mkdir(cacheDir(), { recursive: true })
  const names = await readdir(cacheDir())
  const leftovers = names
    .map((name) => join(cacheDir(), name))
    .filter((path) => path.startsWith(`${root}.building-`))
  for (const path of leftovers) await rm(path, { recursive: true, force: true })
}

/** Removes what would make two hosts the same machine, and what the building machine left of itself. */
async function forgetIdentity(root: string): Promise<void> {
  const ssh = join(root, 'etc/ssh')
  const keys = (await readdir(ssh)).filter((name) => name.startsWith('ssh_host_'))
  for (const key of keys) await rm(join(ssh, key))
  await rm(join(root, 'etc/resolv.conf'), { force: true })
  await rm(join(root, 'etc/hostname'), { force: true })
  await writeFile(join(root, 'etc/machine-id'), '')
}

/** mmdebstrap runs apt with a configuration of its own: hand it the proxy that this machine's apt is set to. */
async function proxyOfApt(): Promise<Record<string, string>> {
  const { stdout } = await ask('apt-config', ['dump', '--format', '%v%n', 'Acquire::http::Proxy'])
  const proxy = stdout.trim()
  return proxy && proxy !== 'DIRECT' ? { http_proxy: proxy } : {}
}
