// npm run screenshots: pictures of every page into docs/images, of a real server with real hosts. Needs root.
// With --all --out FOLDER every page at 390, 1280 and 2560 px, light and dark, to be looked at.
import { run, runMain, setUp } from './setup.mjs'

runMain(async () => {
  const ROLLCALL_ANSIBLE_BUNDLE = await setUp()
  await run('node', ['test/browser/screenshots.ts', ...process.argv.slice(2)], {
    env: { ROLLCALL_ANSIBLE_BUNDLE },
  })
})
