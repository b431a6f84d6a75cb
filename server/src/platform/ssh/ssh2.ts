import { readFileSync } from 'node:fs'
import Module, { createRequire } from 'node:module'
import { dirname } from 'node:path'

const LIMIT = 'const MAX_PACKET_SIZE = 35000;'
/** OpenSSH's limit; a banner arrives in one packet. */
const MAX_PACKET_BYTES = 256 * 1024

/**
 * Loads ssh2 with OpenSSH's packet limit instead of its own constant, which prevents sign-ins to hosts with banners
 * over 35 kB. The version is pinned; `ssh2.spec.ts` fails if the file changes.
 */
function load(): typeof import('ssh2') {
  const require = createRequire(import.meta.url)
  const path = require.resolve('ssh2/lib/protocol/crypto.js')
  if (!require.cache[path]) {
    const source = readFileSync(path, 'utf8')
    if (!source.includes(LIMIT))
      throw new Error(`${path} does not belong to the ssh2 release that this server supports`)
    const module = new Module(path) as PatchedModule
    module.filename = path
    module.paths = nodeModulePaths(dirname(path))
    require.cache[path] = module
    module._compile(source.replace(LIMIT, `const MAX_PACKET_SIZE = ${MAX_PACKET_BYTES};`), path)
    module.loaded = true
  }
  return require('ssh2')
}

// Node's module loader has these members, but its types do not.
type PatchedModule = NodeJS.Module & { _compile(source: string, path: string): void }
const nodeModulePaths = (folder: string) =>
  (Module as unknown as { _nodeModulePaths(folder: string): string[] })._nodeModulePaths(folder)

export const ssh2 = load()
