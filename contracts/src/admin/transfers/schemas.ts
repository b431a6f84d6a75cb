import { z } from 'zod'
import { fileMode, fileOwner, hostPath, sha256 } from '../../agent/file-entries.ts'
import { transferResult } from '../../agent/files.ts'
import { plainText, uuid } from '../../text.ts'
import { COMMAND_STATE } from '../commands/schemas.ts'
import { defineStates, type StateDescriptor } from '../states.ts'
import { exactlyOneTarget, targetShape } from '../targets.ts'

/** Hashes that one question about content may name. */
export const MAX_CONTENT_QUESTIONS = 10_000

const { pending, running, success, failed, cancelled } = COMMAND_STATE.table
export const TRANSFER_HOST_STATE = defineStates<StateDescriptor>()({
  pending,
  running,
  success,
  failed,
  cancelled,
})
export const transferHostState = TRANSFER_HOST_STATE.schema
export type TransferHostState = z.infer<typeof transferHostState>

export const newTransfer = z
  .strictObject({
    /** Chosen by the caller: a repeated request starts nothing twice. */
    transferId: uuid.optional(),
    ...targetShape,
    /** The path on the hosts: of a file, or of a tree's folder. */
    destination: hostPath,
    source: z.strictObject({
      kind: z.enum(['file', 'tree']),
      /** The hash of content that the server has: the file, or the list of a tree, a line of JSON for each entry: of a file path, size, sha256, mode and mtime_ms; of a symbolic link path and link; of a folder path, folder (true), mode and mtime_ms. */
      sha256,
    }),
    /** The mode of a file; null keeps that of an existing one, and is 644 for a new one. */
    mode: fileMode.nullable().default(null),
    owner: fileOwner.nullable().default(null),
    makeParents: z.boolean().default(false),
    /** Removes what is on the hosts in a tree's folder and not in its list. */
    deleteOthers: z.boolean().default(false),
    /** Changes nothing of a tree; `changes` of each host says what would be. */
    dryRun: z.boolean().default(false),
  })
  .superRefine(({ hosts, labels, all, source, deleteOthers, dryRun }, context) => {
    exactlyOneTarget({ hosts, labels, all }, context)
    for (const [field, isGiven] of Object.entries({ deleteOthers, dryRun }))
      if (isGiven && source.kind === 'file')
        context.addIssue({ code: 'custom', path: [field], message: 'is for a tree, and this is a file' })
  })
export type NewTransfer = z.output<typeof newTransfer>

export const transferHost = z.strictObject({
  host: z.string(),
  state: transferHostState,
  /** Content that is in place, of what had to be sent; of a tree only once the host has said what it wants. */
  bytes: z.int(),
  totalBytes: z.int(),
  filesWritten: z.int().nullable(),
  filesUnchanged: z.int().nullable(),
  /** The changes of a tree besides the content of files, done or planned; the first ones by path. */
  changes: transferResult.shape.changes.unwrap().nullable(),
  reasonCode: z.string().nullable(),
  reason: plainText(2000).nullable(),
})
export type TransferHostView = z.infer<typeof transferHost>

export const transferView = z.strictObject({
  id: uuid,
  kind: z.enum(['file', 'tree']),
  destination: z.string(),
  /** True if it only reports what would change. */
  isDryRun: z.boolean(),
  requestedBy: z.string(),
  createdAt: z.iso.datetime(),
  /** Null until it has ended. */
  endedAt: z.iso.datetime().nullable(),
  counts: z.record(transferHostState, z.int()),
})
export type TransferView = z.infer<typeof transferView>
