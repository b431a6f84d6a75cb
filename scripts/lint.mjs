// npm run lint: style, who imports whom, and the types of what is not built. Runs on plain Node 20.
import { run, runMain, say, setUp } from './setup.mjs'

/** Throws when something is amiss; what it is was printed. */
export async function lint() {
  say('checking style')
  await run('biome', ['ci', '.'], { isQuiet: true })
  say('checking who imports whom')
  await run(
    'depcruise',
    [
      '--config',
      '.dependency-cruiser.cjs',
      'contracts/src',
      'server/src',
      'agent/src',
      'cli/src',
      'test',
      'scripts',
    ],
    { isQuiet: true },
  )
  say('checking the types of tests and scripts')
  await run('tsc', ['-p', 'test/tsconfig.json'], { isQuiet: true })
}

if (process.argv[1] === new URL(import.meta.url).pathname)
  runMain(async () => {
    await setUp()
    await lint()
  })
