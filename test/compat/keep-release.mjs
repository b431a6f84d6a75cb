// Keeps what a release says on the wire, for the tests of later ones: its agent, its runner and its contract, without the runtime.
// Run in a checkout of that release whose agent is built: node test/compat/keep-release.mjs [FOLDER OF THE CHECKOUT]
import { execFile } from 'node:child_process'
import { cp, mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { build } from 'esbuild'

const checkout = resolve(process.argv[2] ?? '.')
const bundle = join(checkout, 'agent/dist/bundle')
const { version } = JSON.parse(await readFile(join(bundle, 'VERSION'), 'utf8'))
const folder = await mkdtemp(join(tmpdir(), 'rollcall-release-'))
try {
  for (const name of ['VERSION', 'agent.mjs', 'runner.mjs']) await cp(join(bundle, name), join(folder, name))
  await build({
    absWorkingDir: checkout,
    entryPoints: { contract: 'contracts/src/agent/index.ts' },
    outdir: folder,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    platform: 'node',
    format: 'esm',
    minifySyntax: true,
    minifyWhitespace: true,
    legalComments: 'none',
  })
  const archive = fileURLToPath(new URL(`releases/${version}.tar.gz`, import.meta.url))
  await promisify(execFile)('tar', [
    '-C',
    folder,
    '--sort=name',
    '--owner=0',
    '--group=0',
    '--numeric-owner',
    '--use-compress-program',
    'gzip -9n',
    '-cf',
    archive,
    '.',
  ])
  console.log(archive)
} finally {
  await rm(folder, { recursive: true, force: true })
}
