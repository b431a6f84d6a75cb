// npm run chaos -- [commands | rotations] [--seed N] [--count N] [--kills N]: the long fault runs. Needs root.
import { run, runMain, setUp } from './setup.mjs'

runMain(async () => {
  const ROLLCALL_ANSIBLE_BUNDLE = await setUp()
  await run('node', ['test/faults/run.ts', ...process.argv.slice(2)], {
    env: { ROLLCALL_ANSIBLE_BUNDLE },
  })
})
