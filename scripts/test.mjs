// npm test: sets everything up, the test hosts' file systems included, and runs all tests.
// With arguments, only the test files whose path contains one of them: npm test -- commands
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { lint } from './lint.mjs'
import { run, runMain, say, setUp } from './setup.mjs'
import { slowestFiles } from './slowest-files.mjs'

runMain(async () => {
  const filters = process.argv.slice(2)
  const bundle = await setUp()
  if (filters.length === 0) await lint()
  if (process.getuid() === 0) {
    say('preparing test hosts (the first time their file systems are built, a minute or two)')
    await run('node', [
      'test/bed/cli.ts',
      'build',
      'bookworm',
      'trixie',
      'bullseye',
      'no-python',
      'podman',
      'odd',
    ])
  } else if (process.env.CI) {
    throw new Error('CI must run as root: the tests boot real hosts')
  } else {
    say('not root: tests on real hosts are skipped')
  }
  const folder = await mkdtemp(join(tmpdir(), 'rollcall-test-'))
  const report = join(folder, 'report.json')
  try {
    const failure = await run(
      'vitest',
      ['run', '--reporter=default', '--reporter=json', `--outputFile.json=${report}`, ...filters],
      {
        env: { ROLLCALL_ANSIBLE_BUNDLE: bundle },
      },
    ).catch((error) => error)
    const told = JSON.parse(await readFile(report, 'utf8'))
    const { numPassedTests, numFailedTests, numPendingTests, success } = told
    if (failure || !success || numPassedTests === 0) process.exitCode = 1
    console.log(`\nThe files that took longest:\n${slowestFiles(told).join('\n')}`)
    console.log(
      `${numPassedTests} passed, ${Math.max(numFailedTests, process.exitCode ?? 0)} failed${numPendingTests ? `, ${numPendingTests} skipped` : ''}`,
    )
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
})
