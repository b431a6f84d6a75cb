// npm run build: everything that npm start sets up, and nothing started.
import { runMain, say, setUp } from './setup.mjs'

runMain(async () => {
  await setUp()
  say('ready')
})
