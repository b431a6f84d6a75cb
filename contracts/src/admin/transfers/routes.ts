import { z } from 'zod'
import { hostPath, sha256, treePiece } from '../../agent/file-entries.ts'
import { MAX_CONCURRENT_FILES } from '../../agent/files.ts'
import { hostParam } from '../hosts/schemas.ts'
import { byteStream, defineRoute, idParam } from '../route.ts'
import { MAX_CONTENT_QUESTIONS, newTransfer, transferHost, transferView } from './schemas.ts'

const skipped = z.array(z.strictObject({ host: z.string(), reason: z.string() }))

/** Files to and from hosts. */
export const TRANSFERS_ROUTES = {
  addContent: defineRoute('POST', '/api/contents', {
    summary:
      'Uploads content as the body of the request, with content-type application/octet-stream. It is kept for a day, and while a transfer needs it.',
    access: 'files:write',
    scope: 'none',
    audit: 'refusals',
    status: 201,
    consumes: 'application/octet-stream',
    response: z.strictObject({ sha256, size: z.int() }),
  }),
  missingContents: defineRoute('POST', '/api/contents/missing', {
    summary: 'Returns which of these contents, by hash, the server does not have.',
    access: 'files:write',
    scope: 'none',
    audit: 'refusals',
    body: z.strictObject({ sha256: z.array(sha256).max(MAX_CONTENT_QUESTIONS) }),
    response: z.strictObject({ missing: z.array(sha256) }),
  }),
  startTransfer: defineRoute('POST', '/api/transfers', {
    summary:
      'Copies a file, or the files of a folder, to hosts. Once this is answered, it continues through restarts of the server.',
    access: 'files:write',
    scope: 'filtered',
    audit: 'always',
    status: 202,
    body: newTransfer,
    response: z.strictObject({ transfer: transferView, skipped }),
  }),
  readHostFile: defineRoute('GET', '/api/hosts/:host/file', {
    summary:
      'Reads a file of a host, as root: a consistent copy, as application/octet-stream. It ends before its announced length if it could not be read completely.',
    access: 'files:fetch',
    scope: { host: 'params.host' },
    audit: 'always',
    params: hostParam,
    query: z.strictObject({ path: hostPath }),
    produces: 'application/octet-stream',
    response: byteStream,
  }),
  listHostTree: defineRoute('GET', '/api/hosts/:host/tree', {
    summary:
      'Lists a folder of a host, read as root: a line of JSON for each file with path, size, sha256 and mode, and a last line with left_out, which counts and names anything that is neither a file nor a folder. whole=true adds lines for symbolic links and folders, and times, if the agent supports it.',
    access: 'files:fetch',
    scope: { host: 'params.host' },
    audit: 'always',
    params: hostParam,
    query: z.strictObject({ path: hostPath, whole: z.literal('true').optional() }),
    produces: 'application/octet-stream',
    response: byteStream,
  }),
  readHostFiles: defineRoute('POST', '/api/hosts/:host/tree', {
    summary:
      'Reads files of a folder of a host, as root: one after the other, each with the length given in the request, as listed.',
    access: 'files:fetch',
    scope: { host: 'params.host' },
    audit: 'always',
    params: hostParam,
    body: z.strictObject({ path: hostPath, files: z.array(treePiece).min(1).max(MAX_CONCURRENT_FILES) }),
    produces: 'application/octet-stream',
    response: byteStream,
  }),
  listTransfers: defineRoute('GET', '/api/transfers', {
    summary: 'Lists transfers of files to hosts, newest first.',
    access: 'files:read',
    scope: 'whole-fleet',
    audit: 'refusals',
    query: z.strictObject({ limit: z.coerce.number().int().min(1).max(200).default(50) }),
    response: z.strictObject({ transfers: z.array(transferView) }),
  }),
  showTransfer: defineRoute('GET', '/api/transfers/:id', {
    summary: 'Returns a transfer with its state on each host.',
    access: 'files:read',
    scope: { transfer: 'params.id' },
    audit: 'refusals',
    params: idParam,
    response: z.strictObject({ transfer: transferView, hosts: z.array(transferHost) }),
  }),
  cancelTransfer: defineRoute('POST', '/api/transfers/:id/cancel', {
    summary: 'Cancels a transfer that has not ended. Files that are in place stay.',
    access: 'files:write',
    scope: { transfer: 'params.id' },
    audit: 'always',
    status: 202,
    params: idParam,
    response: z.strictObject({ transfer: transferView }),
  }),
} as const
