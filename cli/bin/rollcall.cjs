#!/usr/bin/env node
// npm links a command only when its file exists at installation; the build comes later. Hence this file, and not the bundle.
// CommonJS, since a start as a module costs half as much again.
const { existsSync } = require('node:fs')
const module_ = require('node:module')
const { userInfo } = require('node:os')
const { join } = require('node:path')

const OLDEST_NODE = [20, 12]

const bundle = join(__dirname, '../dist/rollcall.cjs')
const [major, minor] = process.versions.node.split('.').map(Number)
const [first, ...others] = process.argv.slice(2)
if (major < OLDEST_NODE[0] || (major === OLDEST_NODE[0] && minor < OLDEST_NODE[1])) {
  console.error(
    `error: rollcall needs Node ${OLDEST_NODE.join('.')} or later, and this is ${process.versions.node}. Run it as "npx rollcall" in the checkout, which brings its own Node.`,
  )
  process.exitCode = 1
} else if ((first === '--version' || first === '-V') && others.length === 0) {
  // Asked by scripts again and again: nothing else is needed for it.
  console.log(require('../package.json').version)
} else if (!existsSync(bundle)) {
  console.error('error: rollcall is not built yet. Run "npm start" in the checkout, which builds everything.')
  process.exitCode = 1
} else {
  // Compiled code is executed as it lies there: in this account's own home, whatever HOME and TMPDIR say.
  module_.enableCompileCache?.(join(userInfo().homedir, '.cache', 'rollcall', 'compiled'))
  require(bundle)
}
