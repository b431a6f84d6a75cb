import type { TreeFile, TreeFolder, TreeLink } from '@rollcall/contracts/agent'
import { type Blob, memoryBlob } from '../blobs/index.ts'

/** A file of a tree, with the source of its content. */
export interface TreeMember extends TreeFile {
  source: { sha256: string } | { blob: Blob } | { sha256: string; open: () => Promise<Blob> }
}

/** Converts a small file that is in memory to a member of a tree. */
export async function toTreeMember({ path, mode, data }: { path: string; mode: number; data: Buffer }) {
  const blob = await memoryBlob(data)
  return { path, mode, size: blob.size, sha256: blob.sha256, source: { blob } } satisfies TreeMember
}

export type TreeEntry = TreeMember | TreeLink | TreeFolder

/** Writes a file's line for agents that know no links and times. */
export const toPlainLine = ({ path, size, sha256, mode }: TreeMember): string =>
  JSON.stringify({ path, size, sha256, mode })

/** Writes an entry's line. */
export const toEntryLine = (entry: TreeEntry): string => {
  if (!isMember(entry)) return JSON.stringify(entry)
  const { source: _source, ...file } = entry
  return JSON.stringify(file)
}

export const isMember = (entry: TreeEntry): entry is TreeMember => 'source' in entry
