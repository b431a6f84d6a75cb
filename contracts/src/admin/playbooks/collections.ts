import { z } from 'zod'
import { sha256 } from '../../agent/file-entries.ts'
import { collectionName } from '../../agent/playbooks.ts'
import { withoutFault } from '../../text.ts'
import { labelSelector } from '../selector.ts'

/** Checks the address of a repository. Returns a message about its fault; null if there is none. */
function gitUrlFault(text: string): string | null {
  const url = URL.parse(text)
  if (!/^(https|ssh):\/\/[A-Za-z0-9[]/.test(text) || url === null || !/^[!-~]+$/.test(text))
    return 'must be https://HOST/PATH or ssh://USER@HOST/PATH'
  if (url.password !== '' || (url.protocol === 'https:' && url.username !== ''))
    return 'must not hold a password or token: it would be in logs; use ssh:// and a key of the server'
  if (!/^[A-Za-z0-9._-]*$/.test(url.username) || url.username.startsWith('-'))
    return 'must have a plain user name'
  return url.pathname.length > 1 ? null : 'must name a repository behind the host'
}

/** The address of a git repository: nothing that git would take for an option, a file or a program of its own. */
export const gitUrl = z.string().max(500).superRefine(withoutFault(gitUrlFault))

export const gitCommit = z
  .string()
  .regex(
    /^(?:[0-9a-f]{40}|[0-9a-f]{64})$/,
    'must be a whole commit id, 40 or 64 lower-case hexadecimal digits',
  )

export const collectionSource = z.discriminatedUnion('kind', [
  /** A `.tar.gz` that the server was given by `POST /api/contents`. */
  z.strictObject({ kind: z.literal('archive'), sha256 }),
  z.strictObject({ kind: z.literal('git'), url: gitUrl, commit: gitCommit }),
])
export type CollectionSource = z.infer<typeof collectionSource>

/**
 * Label selectors of the hosts that a collection is for. Whoever may act on some hosts only sees and runs its playbooks where theirs are
 * among these hosts, or the other way round; null for those who may act on all hosts.
 */
export const collectionLabels = z.array(labelSelector).min(1).max(10).nullable()

export const collectionView = z.strictObject({
  name: collectionName,
  labels: collectionLabels,
  /** The hash of all that is in it. */
  version: sha256,
  source: collectionSource,
  /** `NAME/PLAYBOOK`, as they are run. */
  playbooks: z.array(z.string()),
  files: z.int(),
  bytes: z.int(),
  addedBy: z.string(),
  addedAt: z.iso.datetime(),
})
export type CollectionView = z.infer<typeof collectionView>
