import { readFileSync } from 'node:fs'
import Module, { createRequire } from 'node:module'
import { dirname } from 'node:path'

const LIMIT = 'const MAX_PACKET_SIZE = 35000;'
/** The maximum of OpenSSH: a banner comes in one packet. */
const MAX_PACKET_BYTES = 256 * 1024

/**
 * Loads the ssh2 package with OpenSSH's bound on a packet instead of its own, which is a constant in one of its files:
 * a host whose banner is longer than 35 kB could not be signed in to. The version is pinned, and `ssh2.spec.ts` says when
 * the file is another one.
 */
function load(): typeof import('ssh2') {
  const require = createRequire(import.meta.url)
  const path = require.resolve('ssh2/lib/protocol/crypto.js')
  if (!require.cache[path]) {
    const source = readFileSync(path, 'utf8')
    if (!source.includes(LIMIT))
      throw new Error(`${path} is not of the ssh2 release that this server was made for`)
    const module = new Module(path) as PatchedModule
    module.filename = path
    module.paths = nodeModulePaths(dirname(path))
    require.cache[path] = module
    module._compile(source.replace(LIMIT, `const MAX_PACKET_SIZE = ${MAX_PACKET_BYTES};`), path)
    module.loaded = true
  }
  return require('ssh2')
}

// Node's module loader has these, and its types do not.
type PatchedModule = NodeJS.Module & { _compile(source: string, path: string): void }
const nodeModulePaths = (folder: string) =>
  (Module as unknown as { _nodeModulePaths(folder: string): string[] })._nodeModulePaths(folder)

export const ssh2 = load()
