// npm run lint: everything that is checked without being run. Runs on plain Node 20.
// With arguments, only the parts of those names: npm run lint -- style language
import { availableParallelism } from 'node:os'
import { installTools } from './debian-tools.mjs'
import { checkTables } from './lint/tables.mjs'
import { filesOf, output, tryTool } from './lint/tools.mjs'
import { checkTypes } from './lint/types.mjs'
import { runMain, say, setUp, UserError } from './setup.mjs'

/** Says that packages and builds are there already. */
const BUILT = '--built'
const CRUISED = [
  'contracts/src',
  'inventory/src',
  'compose/src',
  'server/src',
  'agent/src',
  'cli/src',
  'web/src',
  'test',
  'scripts',
]

/** Each `check` returns what is wrong as text for people, null if all is well. The slowest come first. */
const PARTS = [
  { name: 'types', check: checkTypes },
  {
    name: 'who imports whom',
    check: () => tryTool('depcruise', ['--config', '.dependency-cruiser.cjs', ...CRUISED]),
  },
  { name: 'who writes which table', check: checkTables },
  {
    name: 'length of components',
    // Loaded when it runs: it needs a package, and this file is read before any is installed.
    check: async () => (await import('./lint/component-lengths.mjs')).checkComponentLengths(),
  },
  { name: 'dead code', check: () => tryTool('knip', []) },
  { name: 'language', check: () => tryTool('node', ['scripts/lint/language.ts']) },
  { name: 'style', check: () => tryTool('biome', ['ci', '--colors=off', '.']) },
]
const DEBIAN_PARTS = [
  { name: 'shell', program: 'shellcheck', args: [], files: ['*.sh', '.ci/run'] },
  { name: 'YAML', program: 'yamllint', args: ['--strict'], files: ['*.yml', '*.yaml'] },
  { name: 'Python', program: 'flake8', args: [], files: ['*.py'] },
  {
    name: 'Python types',
    program: 'mypy',
    args: [],
    files: ['playbooks/host/rollcall_host/*.py'],
  },
]

/** The programs of Debian that lint runs. */
export const LINT_PROGRAMS = DEBIAN_PARTS.map(({ program }) => program)

/** Runs the parts of these names, or all. Throws if one has found a fault, after printing it. */
export async function lint(names = []) {
  const isWanted = ({ name }) => names.length === 0 || names.includes(name)
  const debianParts = DEBIAN_PARTS.filter(isWanted)
  const { missing, why } = await installTools(debianParts.map(({ program }) => program))
  const skipped = debianParts.filter(({ program }) => missing.includes(program))
  for (const { name, program } of skipped) say(`not checked: ${name} (${program} is not there: ${why})`)
  const parts = [
    ...PARTS.filter(isWanted),
    ...debianParts
      .filter((part) => !skipped.includes(part))
      .map(({ name, program, args, files }) => ({
        name,
        check: async () => tryTool(program, [...args, ...(await filesOf(files))]),
      })),
  ]
  if (parts.length === 0) throw new UserError(`lint has no part "${names.join(' ')}"`)
  say(`checking ${parts.map(({ name }) => name).join(', ')}`)
  const waiting = [...parts]
  const wrong = []
  const work = async () => {
    for (let part = waiting.shift(); part; part = waiting.shift()) {
      const found = await part.check()
      if (!found) continue
      wrong.push(part.name)
      process.stderr.write(`\n--- ${part.name}\n${found.trimEnd()}\n`)
    }
  }
  await Promise.all(Array.from({ length: Math.max(2, availableParallelism()) }, work))
  if (wrong.length > 0) throw new UserError(`lint found faults in: ${wrong.join(', ')}`)
}

/** Runs all parts as a process of the lowest priority, beside work that waits a lot. Throws with all that is wrong. */
export async function lintBeside() {
  const { code, text } = await output('nice', ['-n', '19', 'node', 'scripts/lint.mjs', BUILT])
  if (code !== 0) throw new UserError(text.trimEnd())
  // What could not be checked.
  process.stdout.write(text)
}

if (process.argv[1] === new URL(import.meta.url).pathname)
  runMain(async () => {
    const args = process.argv.slice(2)
    if (!args.includes(BUILT)) await setUp()
    await lint(args.filter((arg) => arg !== BUILT))
  })
