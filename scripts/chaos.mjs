// npm run chaos -- [--seed N] [--commands N] [--kills N]: the long fault run on real hosts. Needs root.
import { run, runMain, setUp } from './setup.mjs'

runMain(async () => {
  const ROLLCALL_ANSIBLE_BUNDLE = await setUp()
  await run('node', ['test/faults/run-chaos.ts', ...process.argv.slice(2)], {
    env: { ROLLCALL_ANSIBLE_BUNDLE },
  })
})
