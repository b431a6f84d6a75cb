import { Injectable } from '@nestjs/common'
import { COMPARED_BYTES, isFinalState, type RunSummary, SAMPLE_BYTES } from '@rollcall/contracts/admin'
import type { HostScope } from '../access/index.ts'
import { OutputRepository, splitPiece } from '../commands/index.ts'
import { digestOf, isComparedWhole } from './domain/output-digest.ts'
import type { StoredGroup, Uncompared } from './domain/summary.ts'
import { RunsRepository } from './runs.repository.ts'
import { RunsService } from './runs.service.ts'

/** Commands whose outputs are looked up at a time. */
const PAGE = 500
/** Bytes of output that are read at a time to be compared; one command's may be more. */
const READ_BYTES = 4 * COMPARED_BYTES
/** Bytes of samples in one summary; the groups after that come without one. */
const MAX_SAMPLE_BYTES = 1024 * SAMPLE_BYTES
const SAMPLES_AT_ONCE = 256

type Head = Awaited<ReturnType<OutputRepository['heads']>>[number]

/** Groups the hosts of a run by how they ended. Outputs are compared by digests, which are computed when somebody first asks, and stored. */
@Injectable()
export class RunSummaries {
  constructor(
    private readonly runs: RunsService,
    private readonly stored: RunsRepository,
    private readonly outputs: OutputRepository,
  ) {}

  async summarize(runId: string, scope: HostScope): Promise<RunSummary> {
    const run = await this.runs.show(runId, scope)
    await this.compareOutputs(runId)
    const groups = await this.stored.groups(runId)
    const samples = await this.samplesFor(groups)
    return {
      run,
      groups: groups.map(({ isCompared, ...group }) => {
        const sample = samples.get(group.commandId)
        const bytes = sample?.reduce((sum, { data }) => sum + data.length, 0) ?? 0
        return {
          ...group,
          isComparedWhole: isCompared && isComparedWhole(group.outputBytes),
          sample: (sample ?? []).map((chunk) => ({ ...chunk, data: chunk.data.toString('base64') })),
          isSampleWhole: bytes >= group.outputBytes,
        }
      }),
    }
  }

  private async compareOutputs(runId: string): Promise<void> {
    for (let after = '00000000-0000-0000-0000-000000000000'; ; ) {
      const page = await this.stored.uncompared(runId, after, PAGE)
      const last = page.at(-1)
      if (!last) return
      for (const batch of batchesOf(page)) await this.compare(batch)
      after = last.id
    }
  }

  private async compare(batch: readonly Uncompared[]): Promise<void> {
    const pieces = await this.outputs.heads(
      batch.map(({ id }) => id),
      COMPARED_BYTES,
    )
    const byCommand = Map.groupBy(pieces, ({ commandId }) => commandId)
    const digests = batch.map((command) => {
      const chunks = (byCommand.get(command.id) ?? []).flatMap((piece) => splitUpTo(piece, COMPARED_BYTES))
      return { id: command.id, digest: digestOf({ ...command, chunks }) }
    })
    await this.outputs.storeDigests(digests)
  }

  private async samplesFor(groups: readonly StoredGroup[]) {
    let bytes = 0
    const shown = groups.filter(({ state, outputBytes }) => {
      if (!isFinalState(state) || outputBytes === 0) return false
      bytes += Math.min(outputBytes, SAMPLE_BYTES)
      return bytes <= MAX_SAMPLE_BYTES
    })
    const pieces: Head[] = []
    for (let first = 0; first < shown.length; first += SAMPLES_AT_ONCE) {
      const ids = shown.slice(first, first + SAMPLES_AT_ONCE).map(({ commandId }) => commandId)
      pieces.push(...(await this.outputs.heads(ids, SAMPLE_BYTES)))
    }
    const byCommand = Map.groupBy(pieces, ({ commandId }) => commandId)
    return new Map(
      [...byCommand].map(([id, all]) => [id, all.flatMap((piece) => splitUpTo(piece, SAMPLE_BYTES))]),
    )
  }
}

const splitUpTo = (piece: Head, end: number) => splitPiece(piece, piece.offset, piece.offset, end)

/** Neighbours whose compared bytes fit into memory together; at least one each. */
function batchesOf(page: readonly Uncompared[]): Uncompared[][] {
  const batches: Uncompared[][] = []
  let bytes = Number.POSITIVE_INFINITY
  for (const command of page) {
    const size = Math.min(command.outputBytes, COMPARED_BYTES)
    if (bytes + size > READ_BYTES) {
      batches.push([])
      bytes = 0
    }
    batches.at(-1)?.push(command)
    bytes += size
  }
  return batches
}
