// npm run chaos -- [commands | rotations | services] [--seed N] [--count N] [--kills N]: the long fault runs. Needs root.
// npm run chaos -- interruptions: each way of breaking an installation off at each of its steps; npm test tries a sample.
import { run, runMain, setUp } from './setup.mjs'

runMain(async () => {
  const ROLLCALL_ANSIBLE_BUNDLE = await setUp()
  const [what, ...rest] = process.argv.slice(2)
  if (what === 'interruptions')
    return run('vitest', ['run', 'test/provisioning/interruptions.spec.ts', ...rest], {
      env: { ROLLCALL_ANSIBLE_BUNDLE, ROLLCALL_TEST_INTERRUPTIONS: 'all' },
    })
  await run('node', ['test/faults/run.ts', ...process.argv.slice(2)], {
    env: { ROLLCALL_ANSIBLE_BUNDLE },
  })
})
