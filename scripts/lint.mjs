// npm run lint: everything that is checked without being run. Runs on plain Node 20.
import { availableParallelism } from 'node:os'
import { installLinters } from './lint/debian-linters.mjs'
import { checkTables } from './lint/tables.mjs'
import { filesOf, tryTool } from './lint/tools.mjs'
import { checkTypes } from './lint/types.mjs'
import { runMain, say, setUp, UserError } from './setup.mjs'

const CRUISED = [
  'contracts/src',
  'inventory/src',
  'server/src',
  'agent/src',
  'cli/src',
  'web/src',
  'test',
  'scripts',
]

/** Each tells what is wrong, as text for people; nothing where all is well. The slowest come first. */
const PARTS = [
  { name: 'types', check: checkTypes },
  {
    name: 'who imports whom',
    check: () => tryTool('depcruise', ['--config', '.dependency-cruiser.cjs', ...CRUISED]),
  },
  { name: 'who writes which table', check: checkTables },
  { name: 'dead code', check: () => tryTool('knip', []) },
  { name: 'style', check: () => tryTool('biome', ['ci', '--colors=off', '.']) },
]
const DEBIAN_PARTS = [
  { name: 'shell', program: 'shellcheck', args: [], files: ['*.sh', '.ci/run'] },
  { name: 'YAML', program: 'yamllint', args: ['--strict'], files: ['*.yml', '*.yaml'] },
  { name: 'Python', program: 'flake8', args: [], files: ['*.py'] },
]

/** Throws when something is amiss; what it is was printed. */
export async function lint() {
  const { missing, why } = await installLinters(DEBIAN_PARTS.map(({ program }) => program))
  const skipped = DEBIAN_PARTS.filter(({ program }) => missing.includes(program))
  for (const { name, program } of skipped) say(`not checked: ${name} (${program} is not there: ${why})`)
  const parts = [
    ...PARTS,
    ...DEBIAN_PARTS.filter((part) => !skipped.includes(part)).map(({ name, program, args, files }) => ({
      name,
      check: async () => tryTool(program, [...args, ...(await filesOf(files))]),
    })),
  ]
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

if (process.argv[1] === new URL(import.meta.url).pathname)
  runMain(async () => {
    await setUp()
    await lint()
  })
