// npm run format: rewrites code and Markdown in the style that lint asks for.
import { filesOf } from './lint/tools.mjs'
import { installPackages, run, runMain } from './setup.mjs'

runMain(async () => {
  await installPackages()
  await run('biome', ['check', '--write', '.'])
  await run('node', ['scripts/lint/markdown.ts', ...(await filesOf(['*.md']))])
})
