import { z } from 'zod'
import { withoutFault } from '../text.ts'

export const byteCount = z
  .int()
  .min(0)
  .max(2 ** 50)

/** Lower-case hexadecimal. */
export const sha256 = z.string().regex(/^[0-9a-f]{64}$/, 'must be 64 lower-case hexadecimal digits')

/** Checks the components of a path. Returns a message about a fault; null if there is none. */
export function pathFault(path: string): string | null {
  if (path.includes('\0')) return 'must not contain a NUL character'
  const names = path.split('/')
  if (names.some((name) => name === '' || name === '.' || name === '..'))
    return 'must not contain "..", "." or empty parts'
  if (names.some((name) => new TextEncoder().encode(name).length > 255))
    return 'must not contain a name of more than 255 bytes'
  return null
}

/** An absolute path on a host, below its root. */
export const hostPath = z
  .string()
  .max(4000)
  .regex(/^\//, 'must be an absolute path')
  .superRefine(withoutFault((path) => pathFault(path.slice(1))))

/** A path within a tree. */
export const treePath = z.string().min(1).max(4000).superRefine(withoutFault(pathFault))

/** Permission bits, as chmod(2) takes them. */
export const fileMode = z.int().min(0).max(0o7777)

const account = '(?:[a-zA-Z_][a-zA-Z0-9_.-]{0,31}\\$?|[0-9]{1,10})'
/** `user`, `user:group` or `:group`, by name or number. */
export const fileOwner = z
  .string()
  .regex(new RegExp(`^(?:${account}(?::${account})?|:${account})$`), 'must be user, user:group or :group')

/** When the content was changed last, in whole milliseconds since 1970. */
const mtimeMs = z
  .int()
  .min(-(2 ** 47))
  .max(2 ** 47)

/** One file of a tree. */
export const treeFile = z.strictObject({
  path: treePath,
  size: byteCount,
  sha256,
  mode: fileMode,
  mtime_ms: mtimeMs.optional(),
})
export type TreeFile = z.infer<typeof treeFile>

/** A symbolic link of a tree, wherever it leads. */
export const treeLink = z.strictObject({
  path: treePath,
  link: z
    .string()
    .min(1)
    .max(4000)
    .refine((text) => !text.includes('\0'), 'must not contain a NUL character'),
})
export type TreeLink = z.infer<typeof treeLink>

/** A folder of a tree. Those of its files need none. */
export const treeFolder = z.strictObject({
  path: treePath,
  folder: z.literal(true),
  mode: fileMode,
  mtime_ms: mtimeMs.optional(),
})
export type TreeFolder = z.infer<typeof treeFolder>

/** One line of the list of a tree that is brought in step. Devices, sockets and pipes are in none. */
export const treeEntry = z.union([treeFile, treeLink, treeFolder])
export type TreeEntry = z.infer<typeof treeEntry>

/** Converts milliseconds to seconds for utimes(2). Half a microsecond more keeps the binary fraction out of the millisecond before. */
export const toUtimesSeconds = (ms: number): number => ms / 1000 + 5e-7

export const isTreeFile = (entry: TreeEntry): entry is TreeFile => 'sha256' in entry

/** A requested file of a tree, with the number of bytes from its beginning. */
export const treePiece = treeFile.pick({ path: true, size: true })

/** Things that are left out of the list of a tree, by path, the first of them: links, devices, and names that are no UTF-8. */
export const treeListEnd = z.strictObject({
  left_out: z.array(z.string().max(4000)).max(100),
  left_out_count: z.int().min(0),
})
export type TreeListEnd = z.infer<typeof treeListEnd>
