import { readFile } from 'node:fs/promises'
import { Inject, Injectable } from '@nestjs/common'
import { parseJson } from '@rollcall/contracts'
import { z } from 'zod'
import { DataDir } from '../platform/config/data-dir.ts'
import { Sealer } from '../platform/crypto/sealer.ts'
import { ifMissing } from '../platform/files/if-missing.ts'
import { LOGGER, type Logger } from '../platform/log.ts'
import { type Head, isSealValid, sealHead } from './domain/chain.ts'

const FILE = 'audit-head.json'
const content = z.strictObject({ seq: z.int().min(0), hash: z.string(), seal: z.string() })

/**
 * Keeps the number and hash of the newest audit entry in the data folder. A rollback or truncation of the database
 * cannot change this copy.
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

  /** The newest head known outside the database; null if none is. */
  get known(): Head | null {
    return this.newest
  }

  /** Loads the head that an earlier process stored. */
  async load(): Promise<void> {
    const text = await readFile(this.dataDir.file(FILE), 'utf8').catch(ifMissing(null))
    if (text === null) return
    const head = parseJson(content, text)
    if (head && isSealValid(this.key, head)) this.newest = { seq: head.seq, hash: head.hash }
    else
      this.log.error(
        { file: this.dataDir.file(FILE) },
        'ignoring the stored audit head: it was not written with the master key of this server',
      )
  }

  /** Stores a committed head. The file is written in the background. */
  update(head: Head): void {
    if (this.newest && this.newest.seq >= head.seq) return
    this.newest = head
    this.writing ??= this.write().finally(() => {
      this.writing = null
    })
  }

  /** Resolves when the newest head is in the file. */
  async flushed(): Promise<void> {
    while (this.writing) await this.writing
  }

  private async write(): Promise<void> {
    for (let written: Head | null = null; written !== this.newest && this.newest; ) {
      written = this.newest
      const { seq, hash } = written
      await this.dataDir
        .write(FILE, `${JSON.stringify({ seq, hash, seal: sealHead(this.key, seq, hash) })}\n`)
        .catch((error) => this.log.error({ err: error }, `failed to write ${FILE}`))
    }
  }
}
