import { z } from 'zod'
import { type ErrorCode, maySay } from '../errors.ts'
import { plainText, uuid } from '../text.ts'
import { byteCount, fileMode, fileOwner, hostPath, sha256, treePiece } from './file-entries.ts'
import { defineMethod, noParams } from './method.ts'

/** The most bytes of content, before they were compressed, that one chunk carries. */
export const MAX_CHUNK_BYTES = 1024 * 1024
/** Pieces of one chunk that were compressed on their own. */
export const MAX_FRAMES = 4096
/** The longest list of a tree, in bytes. */
export const MAX_MANIFEST_BYTES = 64 * 1024 * 1024
/** The longest that a transfer's call waits for news, in milliseconds. */
export const MAX_TRANSFER_WAIT_MS = 20_000
/** Ranges of wanted files in one answer; neighbours are joined when there would be more. */
export const MAX_WANTED_RANGES = 20_000

const placing = {
  /** Null keeps that of a file that is there, and is root's own for a new one. */
  owner: fileOwner.nullable().default(null),
  /** Makes folders that are missing on the way, as root's and with mode 755. */
  make_parents: z.boolean().default(false),
}

const treePlacing = {
  path: hostPath,
  manifest: z.strictObject({ size: z.int().min(0).max(MAX_MANIFEST_BYTES), sha256 }),
  ...placing,
}

/** Changes of a tree that a result lists one by one. */
export const MAX_LISTED_CHANGES = 200

/** The most files of a tree in one request. */
export const MAX_CONCURRENT_FILES = 500

/** The order of a transfer. */
export const transferOrder = z.discriminatedUnion('kind', [
  /** Places one file: whole and at once, or not at all. Nothing is sent for one that is there with the same content. */
  z.strictObject({
    kind: z.literal('put_file'),
    path: hostPath,
    size: byteCount,
    sha256,
    /** Null keeps that of a file that is there, and is 644 for a new one. */
    mode: fileMode.nullable().default(null),
    ...placing,
  }),
  /**
   * Places the files of a tree, each as above. The content starts with the list of them, one `TreeFile` in JSON a line; what the host
   * wants of them it says in `wanted`, and only that follows. Other files that are there stay.
   */
  z.strictObject({
    kind: z.literal('put_tree'),
    ...treePlacing,
    /**
     * When all is placed and on the disk, a symbolic link of this name beside the tree is set to it, in one step; trees beside it that are
     * named by a hash, other than this one and the one that the link led to before, are removed.
     */
    publish_as: z
      .string()
      .regex(/^[a-z][a-z0-9-]{0,31}$/, 'must be letters, digits and dashes')
      .nullable()
      .default(null),
  }),
  /**
   * Brings a tree in step with its list: as `put_tree`, and with symbolic links, folders and times. The list has one `TreeEntry` in JSON a
   * line, and `wanted` counts all of its lines. Other things that are there stay, unless `delete` says that they go. With `dry_run` nothing
   * is changed, and no content is wanted: the result says what would be.
   */
  z.strictObject({
    kind: z.literal('sync_tree'),
    ...treePlacing,
    delete: z.boolean(),
    dry_run: z.boolean(),
  }),
  /** Takes a copy of a file as it is now, in pieces that `read_chunk` hands out until the transfer is ended. */
  z.strictObject({ kind: z.literal('get_file'), path: hostPath }),
  /**
   * Takes the list of a tree as it is now: one `TreeFile` in JSON a line, by path, and a `TreeListEnd` as the last line. It is read as
   * the copy of a file is.
   */
  z.strictObject({
    kind: z.literal('list_tree'),
    path: hostPath,
    /** The list has links, folders and times too: one `TreeEntry` a line. */
    whole: z.literal(true).optional(),
  }),
  /** Takes a copy of files of a tree, one after the other, each as long as it is said to be here. */
  z.strictObject({
    kind: z.literal('get_files'),
    path: hostPath,
    files: z.array(treePiece).min(1).max(MAX_CONCURRENT_FILES),
  }),
])
export type TransferOrder = z.infer<typeof transferOrder>
export type TransferOrderInput = z.input<typeof transferOrder>

export const transferResult = z.strictObject({
  /** Why it failed; null if it did not. */
  error: z
    .strictObject({
      code: z.custom<ErrorCode>((code) => maySay('agent', code), 'must be a known error code'),
      message: plainText(1000),
    })
    .nullable(),
  /** Files that were written. */
  files_written: z.int().min(0),
  /** Files that had the content already. */
  files_unchanged: z.int().min(0),
  /** The other changes of a synchronised tree, done or planned, and the first of them. */
  changes: z
    .strictObject({
      links: z.int().min(0),
      folders: z.int().min(0),
      removed: z.int().min(0),
      listed: z
        .array(
          z.strictObject({ change: z.enum(['write', 'link', 'folder', 'remove']), path: plainText(4000) }),
        )
        .max(MAX_LISTED_CHANGES),
    })
    .optional(),
  /** The copy of a requested file. */
  content: z.strictObject({ size: byteCount, sha256, mode: fileMode }).optional(),
})
export type TransferResult = z.infer<typeof transferResult>

export const transferState = z.strictObject({
  transfer_id: uuid,
  status: z.enum(['running', 'success', 'failed']),
  /** Where the host wants content from, counted in bytes before compression. Everything below is in place, or copied. */
  offset: byteCount,
  /** Ranges, first and last, of the lines of the list whose files are wanted, in the order in which they are to come; null until known. */
  wanted: z
    .array(z.tuple([z.int().min(0), z.int().min(0)]))
    .max(MAX_WANTED_RANGES)
    .nullable(),
  result: transferResult.nullable(),
})
export type TransferState = z.infer<typeof transferState>

const transferId = uuid.describe('chosen by the server; the same id never begins a second transfer')
const waitMs = z.int().min(0).max(MAX_TRANSFER_WAIT_MS).default(0)

/** A piece of content that was compressed on its own, so that it can be sent, kept and read without those before it. */
export const frame = z.strictObject({
  encoding: z.enum(['identity', 'zstd']),
  /** As sent. */
  bytes: z
    .int()
    .min(0)
    .max(2 * MAX_CHUNK_BYTES),
  /** Before compression. */
  raw_bytes: z.int().min(0).max(MAX_CHUNK_BYTES),
})
export type Frame = z.infer<typeof frame>

/** Tells whether a piece becomes enough smaller to be worth decompressing. */
export const isWorthCompressing = (rawBytes: number, bytes: number): boolean => bytes < rawBytes * 0.97

export const FILE_METHODS = {
  start_transfer: defineMethod({
    summary:
      'Begins a transfer, or finds the one of that id: asked again it says how far that is. With another order it is refused as file.id_conflict.',
    params: z.strictObject({ transfer_id: transferId, order: transferOrder }),
    result: transferState,
    reachedBy: ['runPlaybook', 'startTransfer', 'syncTools'],
    effect: 'idempotent',
  }),
  write_chunk: defineMethod({
    summary:
      'Hands over the next content of a transfer, as the bytes of the request. It waits for room; accepted is false when there was none in time, and nothing was taken. What the host has already it passes over.',
    params: z.strictObject({
      transfer_id: transferId,
      /** The offset of its first byte, before compression. */
      offset: byteCount,
      frames: z.array(frame).min(1).max(MAX_FRAMES),
    }),
    result: z.strictObject({ accepted: z.boolean(), state: transferState }),
    reachedBy: ['runPlaybook', 'startTransfer', 'syncTools'],
    effect: 'idempotent',
    timeoutMs: 60_000,
  }),
  get_transfer: defineMethod({
    summary:
      'How far a transfer is. With wait_ms it answers as soon as it has ended or wants other content than at since_offset.',
    params: z.strictObject({
      transfer_id: transferId,
      wait_ms: waitMs,
      /** The offset that the caller knows of; with a null nothing but the end, and the first list of what is wanted, is news. */
      since_offset: byteCount.nullable().default(null),
    }),
    result: transferState,
    reachedBy: ['startTransfer'],
    effect: 'read',
  }),
  read_chunk: defineMethod({
    summary:
      'A piece of the copy that a get_file, list_tree or get_files has made: each but the last is of 1 MiB before compression. Refused as file.transfer_unknown before that has succeeded.',
    params: z.strictObject({
      transfer_id: transferId,
      index: z
        .int()
        .min(0)
        .max(2 ** 30),
    }),
    result: z.strictObject({ frame, data: z.string().max(Math.ceil(MAX_CHUNK_BYTES / 3) * 4) }),
    reachedBy: ['listHostTree', 'readHostFile', 'readHostFiles'],
    effect: 'read',
    timeoutMs: 60_000,
  }),
  end_transfer: defineMethod({
    summary:
      'Forgets a transfer. One that has not ended is broken off, and what was not yet in place is removed.',
    params: z.strictObject({ transfer_id: transferId }),
    result: z.strictObject({ transfer_id: transferId, ended: z.literal(true) }),
    reachedBy: ['cancelTransfer', 'startTransfer'],
    effect: 'idempotent',
  }),
  get_tools: defineMethod({
    summary: 'Which tools are in use on the host: the hash under which they were placed, or null.',
    params: noParams,
    result: z.strictObject({ version: sha256.nullable() }),
    reachedBy: ['runPlaybook', 'syncTools'],
    effect: 'read',
  }),
} as const
