import { existsSync, mkdirSync, rmSync } from 'node:fs'
import { mkdir, rename, rm, stat, writeFile } from 'node:fs/promises'
import { RollcallError } from '@rollcall/contracts'
import {
  type AgentLimits,
  type AgentParams,
  type AgentResult,
  envelopeHead,
  type TransferState,
} from '@rollcall/contracts/agent'
import type { Clock } from '../../platform/clock.ts'
import { errorCode, isDiskFault, replaceFileDurably, syncFolder, writePieces } from '../../platform/files.ts'
import { readPiece } from '../../spool/content-pieces.ts'
import { waitForChange } from '../../spool/spool-watch.ts'
import {
  type TransferPaths,
  transferIds,
  transferPaths,
  transfersFolder,
} from '../../spool/transfer-paths.ts'
import {
  hashOrder,
  type OrderRecord,
  readOrder,
  readProgress,
  readResult,
  readWanted,
  toProgressText,
} from '../../spool/transfer-records.ts'
import type { RunnerLink } from '../runner-link.ts'

/** Maximum content of a transfer that waits in the spool to be applied, in bytes before compression. */
const WINDOW_BYTES = 8 * 1024 * 1024
/** How long a request with new content waits for room, in milliseconds. */
const ROOM_WAIT_MS = 20_000
/** Maximum transfers that the host keeps; those without change for `KEPT_MS` are removed first. */
const MAX_TRANSFERS = 256
const KEPT_MS = 24 * 3600 * 1000

/** Accepts file transfers and their content into the spool, from which the runner's workers place the files. */
export class TransfersService {
  readonly #folder: string
  readonly #runner: RunnerLink
  readonly #limits: AgentLimits
  readonly #clock: Clock
  readonly #starting = new Map<string, Promise<void>>()

  constructor(state: string, runner: RunnerLink, limits: AgentLimits, clock: Clock) {
    this.#folder = transfersFolder(state)
    this.#runner = runner
    this.#limits = limits
    this.#clock = clock
    mkdirSync(this.#folder, { recursive: true, mode: 0o700 })
  }

  /** Accepts a transfer; an id that is known starts nothing new. Throws `file.id_conflict`, `agent.overloaded`. */
  async start({ transfer_id: id, order }: AgentParams<'start_transfer'>): Promise<TransferState> {
    const paths = transferPaths(this.#folder, id)
    const hash = hashOrder(order)
    await this.#starting.get(id)
    let known = readOrder(paths)
    if (known === null) {
      const record = {
        order,
        hash,
        accepted_at_ms: this.#clock.epochMs(),
        left_free: this.#limits.spool_bytes_left_free,
      }
      const accepting = this.#accept(paths, record).finally(() => this.#starting.delete(id))
      this.#starting.set(id, accepting)
      await accepting
      known = record
    }
    if (known.hash !== hash)
      throw new RollcallError(
        'file.id_conflict',
        `Transfer ${id} exists with another order. Choose a new id.`,
      )
    this.#runner.send({ op: 'transfer', id })
    return toState(id, paths, true)
  }

  /** Takes a chunk into the spool once there is room. Returns `accepted: false` if there was none in time. */
  async write(
    { transfer_id: id, offset, frames }: AgentParams<'write_chunk'>,
    signal: AbortSignal,
    bytes: Uint8Array,
  ): Promise<AgentResult<'write_chunk'>> {
    const paths = this.#find(id)
    const announced = frames.reduce((sum, frame) => sum + frame.bytes, 0)
    if (announced !== bytes.length)
      throw new RollcallError(
        'file.chunk_invalid',
        `The request announces ${announced} bytes of content and carries ${bytes.length}.`,
      )
    const isReady = () =>
      readResult(paths) !== null || offset < readProgress(paths) + WINDOW_BYTES ? true : null
    const hasRoom = await waitForChange(paths.folder, ROOM_WAIT_MS, signal, isProgress, isReady)
    const isWanted = hasRoom !== null && readResult(paths) === null && offset >= readProgress(paths)
    if (isWanted) {
      await this.#keep(paths.chunk(offset), envelopeHead(JSON.stringify(frames)), bytes)
      // A worker that is running finds it without a message.
      if (offset === readProgress(paths)) this.#runner.send({ op: 'transfer', id })
    }
    return { accepted: hasRoom !== null, state: toState(id, paths, false) }
  }

  /** Returns the state of a transfer, waiting up to `wait_ms` for a change. */
  async get(
    { transfer_id: id, wait_ms, since_offset }: AgentParams<'get_transfer'>,
    signal: AbortSignal,
  ): Promise<TransferState> {
    const paths = this.#find(id)
    const hadWanted = readWanted(paths) !== null
    const hasChanged = () => {
      const hasMoved = since_offset !== null && readProgress(paths) !== since_offset
      const isDone = readResult(paths) !== null || (!hadWanted && readWanted(paths) !== null)
      return isDone || hasMoved ? true : null
    }
    await waitForChange(paths.folder, wait_ms, signal, isProgress, hasChanged)
    return toState(id, paths, true)
  }

  /** Reads a piece of a file that was copied from the host. Throws `file.transfer_unknown`. */
  async readChunk({ transfer_id: id, index }: AgentParams<'read_chunk'>): Promise<AgentResult<'read_chunk'>> {
    const paths = this.#find(id)
    const content = readResult(paths)?.content
    if (content) return readPiece(paths, index, content.size)
    throw new RollcallError(
      'file.transfer_unknown',
      `Transfer ${id} has no copy of a file yet. Check its state first.`,
    )
  }

  /** Ends a transfer and has the runner remove it. Does nothing for an unknown id. */
  async end(id: string): Promise<void> {
    const paths = transferPaths(this.#folder, id)
    if (readOrder(paths) === null) return
    await writeFile(paths.ended, '', { mode: 0o600 })
    this.#runner.send({ op: 'transfer', id })
  }

  #find(id: string): TransferPaths {
    const paths = transferPaths(this.#folder, id)
    if (existsSync(paths.order)) return paths
    throw new RollcallError('file.transfer_unknown', `The host has no transfer ${id}. Start it again.`)
  }

  async #accept(paths: TransferPaths, record: OrderRecord): Promise<void> {
    await this.#makeRoom()
    try {
      await mkdir(paths.folder, { mode: 0o700 })
      await writeFile(paths.progress, toProgressText(0), { mode: 0o600 })
      await replaceFileDurably(paths.order, JSON.stringify(record))
      await syncFolder(this.#folder)
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') rmSync(paths.folder, { recursive: true, force: true })
      throw toDiskFullError(error)
    }
  }

  async #keep(path: string, head: Uint8Array, bytes: Uint8Array): Promise<void> {
    const fresh = `${path}.new`
    try {
      await writePieces(fresh, [head, bytes])
      await rename(fresh, path)
    } catch (error) {
      await rm(fresh, { force: true })
      throw toDiskFullError(error)
    }
  }

  /** Returns the time of the last change; the current time if the transfer is being removed. */
  async #changedAtMs(id: string): Promise<number> {
    try {
      return (await stat(transferPaths(this.#folder, id).folder)).mtimeMs
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return this.#clock.epochMs()
      throw error
    }
  }

  /** Ends transfers without change for a day. Throws `agent.overloaded` if there are too many younger ones. */
  async #makeRoom(): Promise<void> {
    const ids = transferIds(this.#folder)
    const oldest = this.#clock.epochMs() - KEPT_MS
    const ages = await Promise.all(ids.map((id) => this.#changedAtMs(id)))
    const stale = ids.filter((_, at) => (ages[at] as number) < oldest)
    for (const id of stale) await this.end(id)
    if (ids.length - stale.length >= MAX_TRANSFERS)
      throw new RollcallError(
        'agent.overloaded',
        `The host already has ${ids.length} transfers; end some of them first.`,
      )
  }
}

const isProgress = (name: string): boolean =>
  name === 'progress' || name === 'result.json' || name === 'wanted.json'

function toState(id: string, paths: TransferPaths, withWanted: boolean): TransferState {
  const result = readResult(paths)
  return {
    transfer_id: id,
    status: result === null ? 'running' : result.error === null ? 'success' : 'failed',
    offset: readProgress(paths),
    wanted: withWanted ? readWanted(paths) : null,
    result,
  }
}

/** Converts a full disk to `file.disk_full`. Returns any other error unchanged. */
function toDiskFullError(error: unknown): unknown {
  const isFull = isDiskFault(error) && ['ENOSPC', 'EDQUOT'].includes(errorCode(error))
  if (!isFull) return error
  return new RollcallError(
    'file.disk_full',
    'The disk of the host has no room for the spool of the agent. Free some space there and send it again.',
    { cause: error },
  )
}
