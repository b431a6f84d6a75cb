import { constants, fstatSync, openSync, readSync, statSync } from 'node:fs'
import { sanitizeText } from '@rollcall/contracts'
import { type InstanceReport, instanceReport, MAX_INSTANCE_REPORT_BYTES } from '@rollcall/contracts/agent'
import { closing, errorCode, isDiskFault } from '../../platform/files.ts'

/** A report on the host's instances, or why the file cannot be read. */
export type ReportRead = { report: InstanceReport; writtenAtMs: number } | { failure: string }

/** Reads the report that the warden writes, and again only if the file has changed. Nothing in the file is trusted. */
export class ReportFile {
  /** Identifies the version of the file that was read; empty if there was none. */
  #stamp = ''
  #read: ReportRead | null = null

  constructor(private readonly path: string) {}

  /** Returns null if there is no report. */
  read(): ReportRead | null {
    try {
      const stat = statSync(this.path, { throwIfNoEntry: false })
      const stamp = stat === undefined ? '' : `${stat.ino} ${stat.mtimeMs} ${stat.size}`
      if (stamp === this.#stamp) return this.#read
      this.#read = stat === undefined ? null : readReport(this.path)
      this.#stamp = stamp
    } catch (error) {
      if (!isDiskFault(error)) throw error
      this.#stamp = ''
      this.#read = errorCode(error) === 'ENOENT' ? null : { failure: failureOf(errorCode(error)) }
    }
    return this.#read
  }
}

const failureOf = (why: string) => sanitizeText(`The warden's report cannot be read: ${why}.`, 500)

function readReport(path: string): ReportRead {
  // A link could lead anywhere, and to open a pipe would wait for its writer.
  const fd = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK)
  using _fd = closing(fd)
  const stat = fstatSync(fd)
  if (!stat.isFile()) return { failure: failureOf('it is not a file') }
  if (stat.size > MAX_INSTANCE_REPORT_BYTES)
    return { failure: failureOf(`it is longer than ${MAX_INSTANCE_REPORT_BYTES} bytes`) }
  const bytes = Buffer.alloc(stat.size)
  const text = bytes.toString('utf8', 0, readSync(fd, bytes, 0, stat.size, 0))
  const parsed = instanceReport.safeParse(parseJson(text))
  if (parsed.success) return { report: parsed.data, writtenAtMs: stat.mtimeMs }
  const issue = parsed.error.issues[0]
  return { failure: failureOf(`${issue?.path.join('.') || 'it'}: ${issue?.message ?? 'is invalid'}`) }
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    // The contract refuses it.
    return undefined
  }
}
