// Everything that has to be there before the server runs or the tests do. Runs on plain Node 20, built-ins only.
// Each step looks first whether it has been done, so that a second call costs a moment.
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { readdir, readFile, writeFile } from 'node:fs/promises'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { say, step } from './progress.mjs'
import { Stages } from './stages.mjs'

export { say }

export const ROOT = fileURLToPath(new URL('..', import.meta.url))
const NODE_FOLDER = join(ROOT, 'node_modules', `node-linux-${process.arch}`, 'bin')
const SUPPORTED = ['x64', 'arm64']

/** The pinned Node that everything but these scripts runs on. */
export const NODE = join(NODE_FOLDER, 'node')

export const cacheDir = () =>
  process.env.ROLLCALL_CACHE_DIR ?? join(process.env.XDG_CACHE_HOME ?? join(homedir(), '.cache'), 'rollcall')

/** An environment in which `node` and the packages' own programs are the pinned ones. */
export const toolEnv = (extra = {}) => ({
  ...process.env,
  PATH: [NODE_FOLDER, join(ROOT, 'node_modules', '.bin'), process.env.PATH].join(':'),
  NX_DAEMON: 'false',
  PRISMA_HIDE_UPDATE_MESSAGE: 'true',
  ...extra,
})

/**
 * Makes everything ready. Returns the path of the Ansible archive that the server brings to hosts. `beside` is called once the packages are
 * there, and what it starts runs beside the build; it is not waited for, and its failure is its owner's to see.
 */
export async function setUp({ beside = () => undefined, stages = new Stages() } = {}) {
  const [major] = process.versions.node.split('.').map(Number)
  if (process.platform !== 'linux' || !SUPPORTED.includes(process.arch))
    throw new UserError(
      `Rollcall runs on Linux on ${SUPPORTED.join(' or ')}; this is ${process.platform} on ${process.arch}.`,
    )
  if (major < 20) throw new UserError(`Node 20 or newer is needed to set up; this is ${process.version}.`)
  const bundled = bundleAnsible()
  // The first failure is reported; this one is awaited below.
  bundled.catch(() => undefined)
  await stages.run('packages', installPackages)
  beside()
  await stages.run('build', build)
  return (await bundled).path
}

async function bundleAnsible() {
  const { buildAnsibleBundle } = await import('./ansible-bundle.mjs')
  return buildAnsibleBundle({ cacheDir: cacheDir(), log: say })
}

export async function installPackages() {
  const lock = await readFile(join(ROOT, 'package-lock.json'))
  const hash = createHash('sha256').update(lock).digest('hex')
  const stamp = join(ROOT, 'node_modules', '.rollcall-lock')
  if (existsSync(stamp) && (await readFile(stamp, 'utf8')) === hash) return
  const wanted = Object.keys(JSON.parse(lock).packages).filter((path) =>
    path.startsWith('node_modules/'),
  ).length
  await step('installing the npm packages of package-lock.json (about 1 GB on disk)', async (report) => {
    const counting = setInterval(
      () => countPackages().then((there) => report(`${there} of about ${wanted} packages`)),
      1000,
    )
    try {
      // Not "npm ci": it insists on optional packages for platforms that are not ours, which not every registry mirror has.
      // Versions and hashes come from the lock file all the same, and --no-save leaves it as it is.
      await run('npm', ['install', '--no-save', '--no-audit', '--no-fund', '--loglevel=error'], {
        isQuiet: true,
      })
    } finally {
      clearInterval(counting)
    }
  })
  await writeFile(stamp, hash)
}

async function countPackages() {
  const folder = join(ROOT, 'node_modules')
  // The folder comes with the first package.
  const names = await readdir(folder).catch(() => [])
  const scopes = names.filter((name) => name.startsWith('@'))
  const scoped = await Promise.all(scopes.map((scope) => readdir(join(folder, scope)).catch(() => [])))
  return names.length - scopes.length + scoped.flat().length
}

async function build() {
  await step('building (what has not changed is taken from the cache)', async (report) => {
    const built = new Set()
    let total = '?'
    await run('nx', ['run-many', '--targets=build', '--output-style=static'], {
      isQuiet: true,
      onLine(line) {
        total = / for (\d+) projects/.exec(line)?.[1] ?? total
        const [, name] = /> nx run @rollcall\/(\w+):build/.exec(line) ?? []
        if (name !== undefined) report(`${[...built.add(name)].join(', ')} done, ${built.size} of ${total}`)
      },
    })
  })
}

/** A failure that its message explains: shown without a stack. */
export class UserError extends Error {}

/** Runs a program to its end. With `isQuiet` its output is shown only if it fails, and each line of it is handed to `onLine`. */
export function run(program, args, { isQuiet = false, env = {}, onLine = undefined } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {
      cwd: ROOT,
      env: toolEnv(env),
      stdio: isQuiet ? ['ignore', 'pipe', 'pipe'] : ['ignore', 'inherit', 'inherit'],
    })
    const output = []
    for (const stream of [child.stdout, child.stderr]) stream?.on('data', (data) => output.push(data))
    if (onLine && child.stdout) createInterface({ input: child.stdout }).on('line', onLine)
    child.on('error', (error) => reject(new UserError(`${program} could not be started: ${error.message}`)))
    child.on('close', (code, signal) => {
      if (code === 0) return resolve()
      process.stderr.write(Buffer.concat(output))
      reject(new UserError(`"${[program, ...args].join(' ')}" ended with ${signal ?? code}.`))
    })
  })
}

/** Runs `main`, and ends the process with 1 and a message when it fails. */
export function runMain(main) {
  main().catch((error) => {
    console.error(error instanceof UserError ? `\u2716 ${error.message}` : error)
    process.exitCode = 1
  })
}
