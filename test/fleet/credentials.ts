import { readFile } from 'node:fs/promises'
import type { SshCredential } from '@rollcall/contracts/admin'
import type { Bed } from '../bed/index.ts'

/** The key that root of every host of a bed accepts. */
export async function keyCredential(bed: Bed): Promise<SshCredential> {
  return { type: 'key', privateKey: await readFile(bed.key.path, 'utf8') }
}
