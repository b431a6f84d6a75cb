#!/usr/bin/env node
// npm links a command only when its file exists at installation; the build comes later. Hence this file, and not dist/main.js.
import { existsSync } from 'node:fs'

const OLDEST_NODE = [22, 12]

const main = new URL('../dist/main.js', import.meta.url)
const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
  console.error(
    `error: rollcall needs Node ${OLDEST_NODE.join('.')} or later, and this is ${process.versions.node}. Run it as "npx rollcall" in the checkout, which brings its own Node.`,
  )
  process.exitCode = 1
} else if (!existsSync(main)) {
  console.error('error: rollcall is not built yet. Run "npm start" in the checkout, which builds everything.')
  process.exitCode = 1
} else {
  await import(main.href)
}
