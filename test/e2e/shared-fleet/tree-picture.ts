import { execFileSync } from 'node:child_process'
import { createHash } from 'node:crypto'
import { lstatSync, readdirSync, readFileSync, readlinkSync } from 'node:fs'

export interface Entry {
  path: string
  kind: 'file' | 'folder' | 'link' | 'other'
  mode: string
  owner: string
  /** In milliseconds; of a link null, whose time nothing depends on. */
  mtimeMs: number | null
  /** Hash of a file, target of a link. */
  content: string | null
  attributes: string
}

/** All that is below a folder, by path; names that are no UTF-8 with the character that stands for what cannot be read. */
export function toPicture(folder: string): Entry[] {
  const attributes = attributesBelow(folder)
  const entries: Entry[] = []
  const walk = (place: Buffer, prefix: string) => {
    for (const raw of readdirSync(place, { encoding: 'buffer' })) {
      const at = Buffer.concat([place, Buffer.from('/'), raw])
      const path = prefix + raw.toString('utf8')
      const stat = lstatSync(at)
      const isLink = stat.isSymbolicLink()
      entries.push({
        path,
        kind: stat.isFile() ? 'file' : stat.isDirectory() ? 'folder' : isLink ? 'link' : 'other',
        mode: (stat.mode & 0o7777).toString(8),
        owner: `${stat.uid}:${stat.gid}`,
        mtimeMs: isLink ? null : Math.trunc(stat.mtimeMs),
        content: stat.isFile()
          ? createHash('sha256').update(readFileSync(at)).digest('hex')
          : isLink
            ? readlinkSync(at)
            : null,
        attributes: attributes[path] ?? '',
      })
      if (stat.isDirectory()) walk(at, `${path}/`)
    }
  }
  walk(Buffer.from(folder), '')
  return entries.sort((a, b) => (a.path < b.path ? -1 : 1))
}

/** Node has no system calls for extended attributes. */
const python = (code: string, ...args: string[]) =>
  execFileSync('python3', ['-c', `import json, os, sys\n${code}`, ...args], { encoding: 'utf8' })

/** Access lists and capabilities, in hexadecimal, of what has any. */
function attributesBelow(folder: string): Record<string, string> {
  const code = `
found = {}
for place, folders, files in os.walk(sys.argv[1]):
  for name in folders + files:
    path = os.path.join(place, name)
    if os.path.islink(path): continue
    has = {n: os.getxattr(path, n).hex() for n in sorted(os.listxattr(path)) if n in ("system.posix_acl_access", "security.capability")}
    if has: found[os.path.relpath(path, sys.argv[1])] = json.dumps(has)
print(json.dumps(found))`
  return JSON.parse(python(code, folder)) as Record<string, string>
}

export const setAttribute = (path: string, name: string, hex: string) =>
  python('os.setxattr(sys.argv[1], sys.argv[2], bytes.fromhex(sys.argv[3]))', path, name, hex)

/** user::rw-, user:1000:r--, group::r--, mask::r--, other::--- */
export const ACCESS_LIST =
  '0200000001000600ffffffff02000400e803000004000400ffffffff10000400ffffffff20000000ffffffff'
/** cap_net_bind_service, effective and permitted. */
export const CAPABILITY = '0100000200040000000000000000000000000000'
