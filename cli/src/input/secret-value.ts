import { createReadStream } from 'node:fs'
import type { Readable } from 'node:stream'
import { MAX_SECRET_BYTES } from '@rollcall/contracts/admin'
import type { Context } from '../context.ts'
import { CliError, UsageError } from '../errors.ts'
import { askSecret } from './secret.ts'

/**
 * Reads the value of a secret byte for byte: from `file`, or else from standard input, and at a terminal by a question
 * that does not show it. Throws `UsageError` if it is empty or too large.
 */
export async function readSecretValue(context: Context, name: string, file?: string): Promise<Buffer> {
  if (file !== undefined) return readBounded(openFile(file), file)
  if (!context.stdin.isTTY) return readBounded(context.stdin, 'standard input')
  const typed = Buffer.from(await askSecret(context, `Value of ${name}: `))
  if (typed.length === 0) throw new UsageError('Nothing was typed; the secret was not set.')
  return typed
}

async function* openFile(path: string): AsyncGenerator<Buffer> {
  try {
    yield* createReadStream(path) as AsyncIterable<Buffer>
  } catch (cause) {
    throw new CliError(`--file: cannot read ${path}: ${(cause as Error).message}.`, { cause })
  }
}

async function readBounded(source: Readable | AsyncIterable<Buffer>, from: string): Promise<Buffer> {
  const chunks: Buffer[] = []
  let bytes = 0
  for await (const chunk of source) {
    chunks.push(chunk as Buffer)
    bytes += (chunk as Buffer).length
    if (bytes > MAX_SECRET_BYTES)
      throw new UsageError(
        `The value in ${from} is larger than ${MAX_SECRET_BYTES / 1024} KiB. A larger file can be a config of the service, if it is no secret.`,
      )
  }
  if (bytes === 0) throw new UsageError(`The value in ${from} is empty; the secret was not set.`)
  return Buffer.concat(chunks)
}
