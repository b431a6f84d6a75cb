// Builds the agent: three bundles, and one archive per architecture with everything a host needs to run them.
// Runs on plain Node 20. Usage: node scripts/build-agent.mjs [--bundle-only] [--force]

import { createHash } from 'node:crypto'
import { existsSync } from 'node:fs'
import { cp, mkdir, mkdtemp, readdir, readFile, rename, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { packageFolder } from '../agent/build/npm-package.mjs'
import { filesUnder, writeTar } from '../agent/build/tar.mjs'

const ROOT = fileURLToPath(new URL('..', import.meta.url))
const AGENT = join(ROOT, 'agent')
const DIST = join(AGENT, 'dist')
const ARCHITECTURES = ['x64', 'arm64']

/** Builds what is out of date. Resolves to the bundle's folder, the version, and one archive per architecture that could be built. */
export async function buildAgent({ isBundleOnly = false, isForced = false, log = console.error } = {}) {
  const lock = JSON.parse(await readFile(join(ROOT, 'package-lock.json'), 'utf8'))
  const version = await versionOf(lock)
  const bundle = join(DIST, 'bundle')
  if (isForced || (await readText(join(bundle, 'VERSION')))?.includes(`"${version}"`) !== true) {
    await buildBundle(bundle, version)
    log(`agent ${version} bundled`)
  }
  const archives = {}
  if (isBundleOnly) return { bundle, version, archives }
  for (const arch of ARCHITECTURES) {
    const archive = join(DIST, `rollcall-agent-${version}-linux-${arch}.tar.gz`)
    if (isForced || !existsSync(archive)) {
      const parts = await runtimeParts(arch, lock, log)
      if (parts === null) continue
      await removeOldArchives(arch)
      await buildArchive({ archive, arch, bundle, version, parts, lock })
      log(`${relative(ROOT, archive)} written, ${((await stat(archive)).size / 1e6).toFixed(1)} MB`)
    }
    archives[arch] = archive
  }
  return { bundle, version, archives }
}

/** The package's version and eight digits of a hash over all that goes in: every changed build is a new release. */
async function versionOf(lock) {
  const hash = createHash('sha256')
  const files = [
    ...(await filesUnder(join(AGENT, 'src'))),
    ...(await filesUnder(join(ROOT, 'contracts/src'))),
  ]
  for (const file of files.filter((name) => !name.endsWith('.spec.ts')).sort()) {
    hash
      .update(`${relative(ROOT, file)}\0`)
      .update(await readFile(file))
      .update('\0')
  }
  for (const file of [fileURLToPath(import.meta.url), ...(await filesUnder(join(AGENT, 'build'))).sort()]) {
    hash.update(await readFile(file))
  }
  for (const name of [
    'zod',
    'express',
    'jayson',
    'node-pty',
    'esbuild',
    ...ARCHITECTURES.flatMap(runtimePackages),
  ]) {
    hash.update(`${name}@${lock.packages[`node_modules/${name}`]?.version}\0`)
  }
  const { version } = JSON.parse(await readFile(join(AGENT, 'package.json'), 'utf8'))
  return `${version}+${hash.digest('hex').slice(0, 8)}`
}

const runtimePackages = (arch) => [`node-linux-${arch}`, `@lydell/node-pty-linux-${arch}`]

async function buildBundle(folder, version) {
  const { build } = await import('esbuild')
  await mkdir(DIST, { recursive: true })
  const staging = await mkdtemp(join(DIST, 'bundle-'))
  const { metafile } = await build({
    absWorkingDir: ROOT,
    entryPoints: {
      agent: 'agent/src/agent.ts',
      runner: 'agent/src/runner.ts',
      transfer: 'agent/src/transfer.ts',
    },
    outdir: staging,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    target: 'node24',
    format: 'esm',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
    metafile: true,
    external: ['node-pty'],
    alias: {
      '@rollcall/contracts/agent': './contracts/src/agent/index.ts',
      '@rollcall/contracts': './contracts/src/index.ts',
    },
    plugins: [leftOut],
    define: { 'process.env.NODE_ENV': '"production"' },
    banner: {
      js: "import { createRequire as __createRequire } from 'node:module';const require = __createRequire(import.meta.url);",
    },
  })
  await copyNodePty(staging, process.arch)
  await writeNotices(staging, metafile)
  await writeFile(
    join(staging, 'VERSION'),
    versionFile({ version, protocol: await protocol(), arch: process.arch, node: null }),
  )
  await rm(folder, { recursive: true, force: true })
  await rename(staging, folder)
}

// zod's messages in fifty languages, of which the agent speaks one, and what jayson carries for a transport not used here.
const leftOut = {
  name: 'left-out',
  setup(build) {
    build.onResolve({ filter: /^\.\.\/locales\/index\.js$|^isomorphic-ws$/ }, () => ({
      path: 'nothing',
      namespace: 'left-out',
    }))
    build.onLoad({ filter: /.*/, namespace: 'left-out' }, () => ({ contents: 'module.exports = {}' }))
  },
}

const versionFile = (fields) => `${JSON.stringify(fields)}\n`

async function protocol() {
  const source = await readFile(join(ROOT, 'contracts/src/agent/host.ts'), 'utf8')
  const match = /AGENT_PROTOCOL = (\d+)/.exec(source)
  if (match === null) throw new Error('contracts/src/agent/host.ts no longer says AGENT_PROTOCOL = N')
  return Number(match[1])
}

async function copyNodePty(
  folder,
  arch,
  bindingFolder = join(ROOT, 'node_modules', `@lydell/node-pty-linux-${arch}`),
) {
  const source = join(ROOT, 'node_modules/node-pty')
  const target = join(folder, 'node_modules/node-pty')
  await rm(target, { recursive: true, force: true })
  await mkdir(join(target, 'lib'), { recursive: true })
  for (const name of ['package.json', 'LICENSE']) await cp(join(source, name), join(target, name))
  for (const name of await readdir(join(source, 'lib'))) {
    if (/^(?!.*test)(?!windows|conpty).*\.js$/i.test(name))
      await cp(join(source, 'lib', name), join(target, 'lib', name))
  }
  const prebuild = join(target, 'prebuilds', `linux-${arch}`)
  await mkdir(prebuild, { recursive: true })
  await cp(join(bindingFolder, 'pty.node'), join(prebuild, 'pty.node'))
}

/** The licences of every package that esbuild took something from. */
async function writeNotices(folder, metafile) {
  const names = new Set(['node-pty'])
  for (const input of Object.keys(metafile.inputs)) {
    const match = /^node_modules\/((?:@[^/]+\/)?[^/]+)\//.exec(input)
    if (match) names.add(match[1])
  }
  const notices = join(folder, 'NOTICES')
  await mkdir(notices)
  for (const name of [...names].sort()) {
    const source = join(ROOT, 'node_modules', name)
    const licence = (await readdir(source)).find((file) => /^licen[cs]e/i.test(file))
    const { version, license } = JSON.parse(await readFile(join(source, 'package.json'), 'utf8'))
    const text = licence === undefined ? '' : await readFile(join(source, licence), 'utf8')
    await writeFile(
      join(notices, `${name.replace('/', '__')}.txt`),
      `${name} ${version} (${license})\n\n${text}`,
    )
  }
}

/** Folders of Node and of the terminal binding for an architecture; null when they are not here and cannot be fetched. */
async function runtimeParts(arch, lock, log) {
  try {
    const [node, binding] = await Promise.all(
      runtimePackages(arch).map((name) => packageFolder(ROOT, name, lock)),
    )
    return { node, binding }
  } catch (error) {
    if (arch === process.arch) throw error
    log(
      `No archive for ${arch}: ${error.message}. Hosts of that architecture cannot be installed by this build.`,
    )
    return null
  }
}

async function buildArchive({ archive, arch, bundle, version, parts, lock }) {
  const staging = await mkdtemp(join(tmpdir(), 'rollcall-agent-'))
  try {
    for (const name of ['agent.mjs', 'runner.mjs', 'transfer.mjs', 'NOTICES'])
      await cp(join(bundle, name), join(staging, name), { recursive: true })
    await copyNodePty(staging, arch, parts.binding)
    await mkdir(join(staging, 'bin'))
    await cp(join(parts.node, 'bin/node'), join(staging, 'bin/node'))
    await cp(join(parts.node, 'LICENSE'), join(staging, 'NOTICES/node.txt'))
    const node = lock.packages[`node_modules/node-linux-${arch}`]?.version ?? null
    await writeFile(
      join(staging, 'VERSION'),
      versionFile({ version, protocol: await protocol(), arch, node }),
    )
    await writeTar(staging, archive)
  } finally {
    await rm(staging, { recursive: true, force: true })
  }
}

async function removeOldArchives(arch) {
  for (const name of await readdir(DIST)) {
    if (name.startsWith('rollcall-agent-') && name.endsWith(`-linux-${arch}.tar.gz`))
      await rm(join(DIST, name))
  }
}

async function readText(path) {
  return existsSync(path) ? readFile(path, 'utf8') : null
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  await buildAgent({
    isBundleOnly: process.argv.includes('--bundle-only'),
    isForced: process.argv.includes('--force'),
  })
}
