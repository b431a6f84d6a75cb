// npm test: sets everything up, the test hosts' file systems included, and runs all tests.
// With arguments, only the test files whose path contains one of them: npm test -- commands
// With --unit (npm run test:unit), only what needs neither root nor a database nor hosts.
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { measureUnit } from './calibrate.mjs'
import { installTools } from './debian-tools.mjs'
import { filesOf } from './lint/tools.mjs'
import { LINT_PROGRAMS, lintBeside } from './lint.mjs'
import { ROOT, run, runMain, say, setUp } from './setup.mjs'
import { slowestFiles } from './slowest-files.mjs'
import { Stages } from './stages.mjs'
import { GROUPS, toGroup, UNIT_FOLDERS } from './test-groups.mjs'

const FLAVOURS = ['bookworm', 'trixie', 'bullseye', 'no-python', 'podman', 'odd']
const PYTEST = 'pytest-3'
const BROWSER = 'chromium-headless-shell'
const UNIT_PROJECTS = ['!database', '!hosts', '!clock'].flatMap((project) => ['--project', project])

runMain(async () => {
  const args = process.argv.slice(2)
  const isUnit = args.includes('--unit')
  const filters = args.filter((arg) => arg !== '--unit')
  const stages = new Stages()
  const unitBefore = await measureUnit()
  const { bundle, hosts, linting } = await prepare({
    stages,
    isUnit,
    isWhole: filters.length === 0 && !isUnit,
  })
  // Each is told, whatever the others came to.
  const faults = []
  const note = (fault) => fault && faults.push(fault)
  await runTests({ stages, bundle, args: isUnit ? toUnitArgs(filters) : filters }).catch(note)
  await hosts?.catch(note)
  note(await linting)
  if (isUnit) await sayWhatWasLeftOut()
  // The slower of two, since neighbours come and go.
  const { lines, hasFailed } = stages.report(Math.max(unitBefore, await measureUnit()))
  console.log(`\n${lines.join('\n')}`)
  if (hasFailed) process.exitCode = 1
  for (const fault of faults.slice(1)) console.error(fault)
  if (faults.length > 0) throw faults[0]
})

const toUnitArgs = (filters) => [...UNIT_PROJECTS, ...(filters.length > 0 ? filters : UNIT_FOLDERS)]

/**
 * Builds everything but the test hosts' file systems, which are built beside the first tests; for a whole run, lint runs beside the tests too.
 * Resolves to the path of the Ansible archive, `hosts`, which rejects if they could not be built, and `linting`, which resolves to a fault.
 */
async function prepare({ stages, isUnit, isWhole }) {
  const needsHosts = !isUnit && process.getuid() === 0
  if (!isUnit && !needsHosts) {
    if (process.env.CI) throw new Error('CI must run as root: the tests boot real hosts')
    say('not root: tests on real hosts are skipped')
  }
  // Beside the packages of npm: both wait for other people's servers.
  const tools = isUnit ? undefined : stages.run('tools', () => fetchTools({ isWhole, needsHosts }))
  tools?.catch(() => undefined)
  let hosts
  const beside = () => {
    if (needsHosts) hosts = startHosts(stages, tools)
  }
  const bundle = await setUp({ stages, beside })
  await tools
  return { bundle, hosts, linting: isWhole ? startLint(stages) : undefined }
}

/** Installs what tests and lint run, all at once, since each call of apt-get asks for the lists of all packages anew. */
async function fetchTools({ isWhole, needsHosts }) {
  const { missing, why } = await installTools([PYTEST, ...(isWhole ? LINT_PROGRAMS : [])])
  if (missing.includes(PYTEST)) say(`tests of the Python for hosts are skipped: ${why}`)
  if (!needsHosts) return
  // Not every distribution has it: the specs then bring the whole browser.
  await installTools([BROWSER]).catch((error) => say(`no ${BROWSER} for the browser specs: ${error.message}`))
}

/** Starts building the test hosts' file systems when apt-get is free. The first tests need none, and those that do wait for theirs. */
function startHosts(stages, tools) {
  say('building the file systems of test hosts (a minute or two the first time)')
  // Tests come first: some go by the clock.
  const build = () =>
    run('nice', ['-n', '10', 'node', 'test/bed/cli.ts', 'build', ...FLAVOURS], { isQuiet: true })
  const built = tools.then(() => stages.run('test hosts', build))
  // Awaited when the tests have ended; until then its failure must not end the process.
  built.catch(() => undefined)
  return built
}

/** Starts lint beside the tests. Resolves to its error, undefined if it found nothing. */
async function startLint(stages) {
  try {
    await stages.run('lint', lintBeside)
  } catch (error) {
    say('lint has found faults, which are shown at the end')
    return error
  }
}

async function runTests({ stages, bundle, args }) {
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-test-'))
  const reportPath = join(folder, 'report.json')
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${reportPath}`]
    const failure = await run('vitest', ['run', ...reporters, ...args], {
      env: { ROLLCALL_ANSIBLE_BUNDLE: bundle },
    }).catch((error) => error)
    const report = JSON.parse(await readFile(reportPath, 'utf8'))
    const { numPassedTests, numFailedTests, numPendingTests, success } = report
    if (failure || !success || numPassedTests === 0) process.exitCode = 1
    addGroups(stages, report)
    console.log(`\nThe slowest files:\n${slowestFiles(report).join('\n')}`)
    const skipped = numPendingTests ? `, ${numPendingTests} skipped` : ''
    console.log(
      `${numPassedTests} passed, ${Math.max(numFailedTests, process.exitCode ?? 0)} failed${skipped}`,
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/** Groups run one after the other, so each took from its first file's start to its last file's end. */
function addGroups(stages, { testResults }) {
  for (const group of GROUPS) {
    const files = testResults.filter(({ name }) => toGroup(relative(ROOT, name)) === group)
    if (files.length === 0) continue
    const startedAt = Math.min(...files.map(({ startTime }) => startTime))
    stages.add(group, (Math.max(...files.map(({ endTime }) => endTime)) - startedAt) / 1000)
  }
}

async function sayWhatWasLeftOut() {
  const count = async (patterns) => (await filesOf(patterns)).length
  const [database, hosts, programs] = await Promise.all([
    count(['*.db.spec.ts']),
    count(['test/*.spec.ts']),
    count(['agent/test/*.spec.ts', 'cli/test/*.spec.ts']),
  ])
  say(
    `left out: ${database} files with a database (npm test -- db.spec), ${programs} that start the built agent and CLI (npm test -- agent/test cli/test), ${hosts} with hosts or a whole server (npm test)`,
  )
}
