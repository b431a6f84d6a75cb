import { z } from 'zod'
import { fileMode, fileOwner, hostPath, MOST_FILES_AT_ONCE, sha256, treePiece } from '../agent/files.ts'
import { plainText, uuid } from '../text.ts'
import { byteStream, defineRoute } from './route.ts'
import { exactlyOneTarget, targetShape } from './targets.ts'

/** Hashes that one question about content may name. */
export const MAX_CONTENT_QUESTIONS = 10_000

export const transferHostState = z.enum(['pending', 'running', 'success', 'failed', 'cancelled'])
export type TransferHostState = z.infer<typeof transferHostState>

export const newTransfer = z
  .strictObject({
    /** Chosen by the caller: sent again with the same, nothing is begun twice. */
    transferId: uuid.optional(),
    ...targetShape,
    /** Of a file: its path on the hosts. Of a tree: that of its folder. */
    destination: hostPath,
    source: z.strictObject({
      kind: z.enum(['file', 'tree']),
      /** Of content that the server has: the file, or the list of a tree, a line of JSON with path, size, sha256 and mode for each file. */
      sha256,
    }),
    /** Of a file; null keeps that of one that is there, and is 644 for a new one. */
    mode: fileMode.nullable().default(null),
    owner: fileOwner.nullable().default(null),
    makeParents: z.boolean().default(false),
  })
  .superRefine(({ hosts, labels, all }, context) => exactlyOneTarget({ hosts, labels, all }, context))
export type NewTransfer = z.output<typeof newTransfer>
export type NewTransferInput = z.input<typeof newTransfer>

export const transferHost = z.strictObject({
  host: z.string(),
  state: transferHostState,
  /** Content that is in place, of what had to be sent; of a tree only once the host has said what it wants. */
  bytes: z.int(),
  totalBytes: z.int(),
  filesWritten: z.int().nullable(),
  filesUnchanged: z.int().nullable(),
  reasonCode: z.string().nullable(),
  reason: plainText(2000).nullable(),
})
export type TransferHostView = z.infer<typeof transferHost>

export const transferView = z.strictObject({
  id: uuid,
  kind: z.enum(['file', 'tree']),
  destination: z.string(),
  requestedBy: z.string(),
  createdAt: z.iso.datetime(),
  /** Null while it goes on. */
  endedAt: z.iso.datetime().nullable(),
  counts: z.record(transferHostState, z.int()),
})
export type TransferView = z.infer<typeof transferView>

const skipped = z.array(z.strictObject({ host: z.string(), reason: z.string() }))
const idParam = z.strictObject({ id: uuid })

export const TRANSFER_ROUTES = {
  addContent: defineRoute({
    method: 'POST',
    path: '/api/contents',
    summary:
      'Hands content over to the server, as the body of the request with content-type application/octet-stream. It is kept for a day, and while a transfer needs it.',
    access: 'files:write',
    status: 201,
    response: z.strictObject({ sha256, size: z.int() }),
  }),
  missingContents: defineRoute({
    method: 'POST',
    path: '/api/contents/missing',
    summary: 'Which of these contents, by hash, the server does not have.',
    access: 'files:write',
    body: z.strictObject({ sha256: z.array(sha256).max(MAX_CONTENT_QUESTIONS) }),
    response: z.strictObject({ missing: z.array(sha256) }),
  }),
  startTransfer: defineRoute({
    method: 'POST',
    path: '/api/transfers',
    summary:
      'Places a file, or the files of a tree, on hosts. Once this has answered, it goes on over restarts of the server.',
    access: 'files:write',
    status: 202,
    body: newTransfer,
    response: z.strictObject({ transfer: transferView, skipped }),
  }),
  readHostFile: defineRoute({
    method: 'GET',
    path: '/api/hosts/:host/file',
    summary:
      'A file of a host, read as root: a copy as it was at one moment, as application/octet-stream. It ends before its announced length where it could not be read to its end.',
    access: 'files:fetch',
    params: z.strictObject({ host: z.string().min(1).max(63).describe('name or id') }),
    query: z.strictObject({ path: hostPath }),
    response: byteStream,
  }),
  listHostTree: defineRoute({
    method: 'GET',
    path: '/api/hosts/:host/tree',
    summary:
      'What a folder of a host holds, read as root: for each file a line of JSON with path, size, sha256 and mode, and a last line with left_out, the things that are neither a file nor a folder.',
    access: 'files:fetch',
    params: z.strictObject({ host: z.string().min(1).max(63).describe('name or id') }),
    query: z.strictObject({ path: hostPath }),
    response: byteStream,
  }),
  readHostFiles: defineRoute({
    method: 'POST',
    path: '/api/hosts/:host/tree',
    summary:
      'Files of a folder of a host, read as root: one after the other, each as long as it is said to be here, which is as listed.',
    access: 'files:fetch',
    params: z.strictObject({ host: z.string().min(1).max(63).describe('name or id') }),
    body: z.strictObject({ path: hostPath, files: z.array(treePiece).min(1).max(MOST_FILES_AT_ONCE) }),
    response: byteStream,
  }),
  listTransfers: defineRoute({
    method: 'GET',
    path: '/api/transfers',
    summary: 'Transfers of files to hosts, newest first.',
    access: 'files:read',
    isWholeFleet: true,
    query: z.strictObject({ limit: z.coerce.number().int().min(1).max(200).default(50) }),
    response: z.strictObject({ transfers: z.array(transferView) }),
  }),
  showTransfer: defineRoute({
    method: 'GET',
    path: '/api/transfers/:id',
    summary: 'One transfer, with how it is on each of its hosts.',
    access: 'files:read',
    params: idParam,
    response: z.strictObject({ transfer: transferView, hosts: z.array(transferHost) }),
  }),
  syncTools: defineRoute({
    method: 'POST',
    path: '/api/hosts/:host/tools',
    summary:
      "Makes a host have this server's playbooks and Ansible. Sends nothing where it has them already.",
    access: 'hosts:write',
    params: z.strictObject({ host: z.string().min(1).max(63).describe('name or id') }),
    response: z.strictObject({
      version: sha256,
      /** Whether anything was sent. */
      isNew: z.boolean(),
    }),
  }),
  cancelTransfer: defineRoute({
    method: 'POST',
    path: '/api/transfers/:id/cancel',
    summary: 'Breaks a transfer off where it has not ended. What is in place stays.',
    access: 'files:write',
    status: 202,
    params: idParam,
    response: z.strictObject({ transfer: transferView }),
  }),
} as const
