// npm run attack [-- --short] [TEXT…]: what must not work is tried on a real server with real hosts. Needs root.
import { run, runMain, setUp } from './setup.mjs'

runMain(async () => {
  const ROLLCALL_ANSIBLE_BUNDLE = await setUp()
  await run('node', ['test/attack/run.ts', ...process.argv.slice(2)], { env: { ROLLCALL_ANSIBLE_BUNDLE } })
})
