import { readFile } from 'node:fs/promises'
import { Inject, Injectable } from '@nestjs/common'
import { z } from 'zod'
import { DataDir } from '../platform/config/data-dir.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { type Head, isSealed, sealOfHead } from './domain/chain.ts'

const FILE = 'audit-head.json'
const content = z.strictObject({ seq: z.int().min(0), hash: z.string(), seal: z.string() })

/**
 * Keeps the newest entry's number and hash in the data folder: who puts back an older state of the database, or empties its
 * log, cannot put this back by the same way.
 */
@Injectable()
export class AuditHeads {
  private readonly key: Buffer
  private newest: Head | null = null
  private writing: Promise<void> | null = null

  constructor(
    private readonly dataDir: DataDir,
    sealer: Sealer,
    @Inject(LOGGER) private readonly log: Logger,
  ) {
    this.key = sealer.deriveKey('audit')
  }

  /** The head that is known outside of the database; null for none. */
  get known(): Head | null {
    return this.newest
  }

  /** Reads what an earlier process of this server knew. */
  async load(): Promise<void> {
    const text = await readFile(this.dataDir.file(FILE), 'utf8').catch((error: NodeJS.ErrnoException) => {
      if (error.code === 'ENOENT') return null
      throw error
    })
    if (text === null) return
    const head = parsed(text)
    if (head && isSealed(this.key, head)) this.newest = { seq: head.seq, hash: head.hash }
    else
      this.log.error(
        { file: this.dataDir.file(FILE) },
        'this file with the head of the audit log was not written with the master key of this server; it is not used',
      )
  }

  /** Takes note of a head that is committed; the file follows as fast as the disk can. */
  note(head: Head): void {
    if (this.newest && this.newest.seq >= head.seq) return
    this.newest = head
    this.writing ??= this.write().finally(() => {
      this.writing = null
    })
  }

  /** Resolves when what is known stands in the file. */
  async settled(): Promise<void> {
    while (this.writing) await this.writing
  }

  private async write(): Promise<void> {
    for (let written: Head | null = null; written !== this.newest && this.newest; ) {
      written = this.newest
      const { seq, hash } = written
      await this.dataDir
        .write(FILE, `${JSON.stringify({ seq, hash, seal: sealOfHead(this.key, seq, hash) })}\n`)
        .catch((error) => this.log.error({ err: error }, `${FILE} could not be written`))
    }
  }
}

function parsed(text: string): z.output<typeof content> | null {
  try {
    return content.parse(JSON.parse(text))
  } catch {
    return null
  }
}
