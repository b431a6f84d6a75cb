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
import type { RunnerLink } from '../commands/runner-link.ts'
import { waitForNews } from '../commands/spool-watch.ts'
import type { Clock } from '../platform/clock.ts'
import { errorCode, isDiskFault, replaceFileDurably, syncFolder, writePieces } from '../platform/files.ts'
import { readPiece } from './pieces.ts'
import { type TransferPaths, transferIds, transferPaths, transfersFolder } from './transfer-paths.ts'
import {
  hashOrder,
  type OrderRecord,
  progressText,
  readOrder,
  readProgress,
  readResult,
  readWanted,
} from './transfer-records.ts'
import { diskFull } from './worker-failure.ts'

/** Content that the host takes ahead of what is in place, in bytes before compression, of one transfer. */
const WINDOW_BYTES = 8 * 1024 * 1024
/** How long new content waits for room, in milliseconds. */
const ROOM_MS = 20_000
/** Transfers that the host keeps, ended ones included; older ones than a day make room. */
const MAX_TRANSFERS = 256
const KEPT_MS = 24 * 3600 * 1000

/** The agent's part in transfers: takes orders and content into the spool. The runner's workers, which may, put it in place. */
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
        `The transfer ${id} was begun with another order. Choose another id for another order.`,
      )
    this.#runner.tell({ op: 'transfer', id })
    return stateOf(id, paths, true)
  }

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
    const hasRoom = await waitForNews(paths.folder, ROOM_MS, signal, isProgress, isReady)
    const isWanted = hasRoom !== null && readResult(paths) === null && offset >= readProgress(paths)
    if (isWanted) {
      await this.#keep(paths.chunk(offset), envelopeHead(JSON.stringify(frames)), bytes)
      // A worker that is at work comes to it by itself.
      if (offset === readProgress(paths)) this.#runner.tell({ op: 'transfer', id })
    }
    return { accepted: hasRoom !== null, state: stateOf(id, paths, false) }
  }

  async get(
    { transfer_id: id, wait_ms, since_offset }: AgentParams<'get_transfer'>,
    signal: AbortSignal,
  ): Promise<TransferState> {
    const paths = this.#find(id)
    const hadWanted = readWanted(paths) !== null
    const isNews = () => {
      const hasMoved = since_offset !== null && readProgress(paths) !== since_offset
      const isDone = readResult(paths) !== null || (!hadWanted && readWanted(paths) !== null)
      return isDone || hasMoved ? true : null
    }
    await waitForNews(paths.folder, wait_ms, signal, isProgress, isNews)
    return stateOf(id, paths, true)
  }

  async readChunk({ transfer_id: id, index }: AgentParams<'read_chunk'>): Promise<AgentResult<'read_chunk'>> {
    const paths = this.#find(id)
    const content = readResult(paths)?.content
    if (content) return readPiece(paths, index, content.size)
    throw new RollcallError(
      'file.transfer_unknown',
      `The transfer ${id} has made no copy of a file. Look how far it is.`,
    )
  }

  async end(id: string): Promise<void> {
    const paths = transferPaths(this.#folder, id)
    if (readOrder(paths) === null) return
    await writeFile(paths.ended, '', { mode: 0o600 })
    this.#runner.tell({ op: 'transfer', id })
  }

  #find(id: string): TransferPaths {
    const paths = transferPaths(this.#folder, id)
    if (existsSync(paths.order)) return paths
    throw new RollcallError('file.transfer_unknown', `The host knows no transfer ${id}. Begin it again.`)
  }

  async #accept(paths: TransferPaths, record: OrderRecord): Promise<void> {
    await this.#makeRoom()
    try {
      await mkdir(paths.folder, { mode: 0o700 })
      await writeFile(paths.progress, progressText(0), { mode: 0o600 })
      await replaceFileDurably(paths.order, JSON.stringify(record))
      await syncFolder(this.#folder)
    } catch (error) {
      if (errorCode(error) !== 'EEXIST') rmSync(paths.folder, { recursive: true, force: true })
      throw asNoRoom(error)
    }
  }

  async #keep(path: string, head: Uint8Array, bytes: Uint8Array): Promise<void> {
    const fresh = `${path}.new`
    try {
      await writePieces(fresh, [head, bytes])
      await rename(fresh, path)
    } catch (error) {
      await rm(fresh, { force: true })
      throw asNoRoom(error)
    }
  }

  /** Now for one that is being removed. */
  async #changedAtMs(id: string): Promise<number> {
    try {
      return (await stat(transferPaths(this.#folder, id).folder)).mtimeMs
    } catch (error) {
      if (errorCode(error) === 'ENOENT') return this.#clock.epochMs()
      throw error
    }
  }

  /** Has transfers removed that were left standing for a day. Throws `agent.overloaded` when there are too many younger ones. */
  async #makeRoom(): Promise<void> {
    const ids = transferIds(this.#folder)
    const oldest = this.#clock.epochMs() - KEPT_MS
    const ages = await Promise.all(ids.map((id) => this.#changedAtMs(id)))
    const stale = ids.filter((_, at) => (ages[at] as number) < oldest)
    for (const id of stale) await this.end(id)
    if (ids.length - stale.length >= MAX_TRANSFERS)
      throw new RollcallError(
        'agent.overloaded',
        `The host has ${ids.length} transfers already; end some of them.`,
      )
  }
}

const isProgress = (name: string): boolean =>
  name === 'progress' || name === 'result.json' || name === 'wanted.json'

function stateOf(id: string, paths: TransferPaths, withWanted: boolean): TransferState {
  const result = readResult(paths)
  return {
    transfer_id: id,
    status: result === null ? 'running' : result.error === null ? 'success' : 'failed',
    offset: readProgress(paths),
    wanted: withWanted ? readWanted(paths) : null,
    result,
  }
}

function asNoRoom(error: unknown): unknown {
  const isFull = isDiskFault(error) && ['ENOSPC', 'EDQUOT'].includes(errorCode(error))
  return isFull ? diskFull('what the agent keeps of it') : error
}
