import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { readFile } from 'node:fs/promises'
import { Injectable } from '@nestjs/common'
import { RollcallError } from '@rollcall/contracts'
import { Clock } from '../platform/clock/clock.ts'
import { DataDir } from '../platform/config/data-dir.ts'
import { Database } from '../platform/prisma/database.ts'

const KEY_FILE = 'api-key'

/** Keys for the API: 256 random bits each, kept as SHA-256. */
@Injectable()
export class ApiKeysService {
  constructor(
    private readonly database: Database,
    private readonly dataDir: DataDir,
    private readonly clock: Clock,
  ) {}

  /** The name of the key in an `Authorization: Bearer …` header. Throws `request.unauthenticated`. */
  async authenticate(authorization: string | undefined): Promise<string> {
    const key = /^Bearer ([\x21-\x7e]{1,256})$/.exec(authorization ?? '')?.[1]
    const found = key && (await this.database.prisma.apiKey.findUnique({ where: { hash: hashOf(key) } }))
    if (found) return found.name
    throw new RollcallError(
      'request.unauthenticated',
      `${key ? 'This API key is not known' : 'An API key is needed'}: send "Authorization: Bearer KEY". The first key is in the file ${KEY_FILE} of the server's data folder.`,
    )
  }

  /**
   * Makes sure that the key for this machine's own command line exists; it stands in a file that only its owner can read.
   * Each server on a database has its own. One whose file is gone is replaced by another.
   */
  async ensureLocalKey(): Promise<void> {
    const key = await readFile(this.dataDir.file(KEY_FILE), 'utf8').then(
      (text) => text.trim(),
      (error: NodeJS.ErrnoException) => {
        if (error.code !== 'ENOENT') throw error
        return undefined
      },
    )
    const name = `local-${this.dataDir.installationId.slice(0, 8)}`
    const known = await this.database.prisma.apiKey.findUnique({ where: { name } })
    if (key && known?.hash === hashOf(key)) return
    const fresh = `rck_${randomBytes(32).toString('base64url')}`
    // The file first: a crash in between leaves a key that is not known yet, and the next start makes another.
    await this.dataDir.write(KEY_FILE, `${fresh}\n`)
    const hash = hashOf(fresh)
    await this.database.prisma.apiKey.upsert({
      where: { name },
      update: { hash, createdAt: this.clock.now() },
      create: { id: randomUUID(), name, hash, createdAt: this.clock.now() },
    })
  }
}

const hashOf = (key: string) => createHash('sha256').update(key).digest('hex')
