// npm run bench -- NAME… [--json FILE]: the benchmarks by name, on real hosts. Needs root.
import { run, runMain, setUp } from './setup.mjs'

runMain(async () => {
  const ROLLCALL_ANSIBLE_BUNDLE = await setUp()
  await run('node', ['test/bench/run.ts', ...process.argv.slice(2)], { env: { ROLLCALL_ANSIBLE_BUNDLE } })
})
