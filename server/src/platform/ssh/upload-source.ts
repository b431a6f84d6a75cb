import { createHash } from 'node:crypto'
import { type FileHandle, open } from 'node:fs/promises'

/** A buffer, or a local file that must not change during the upload. */
export interface UploadSource extends AsyncDisposable {
  size: number
  read(position: number, length: number): Promise<Buffer>
}

export async function openSource(source: string | Buffer): Promise<UploadSource> {
  if (Buffer.isBuffer(source)) {
    const read = async (position: number, length: number) => source.subarray(position, position + length)
    return { size: source.length, read, [Symbol.asyncDispose]: async () => undefined }
  }
  const file = await open(source, 'r')
  const { size } = await file.stat()
  return {
    size,
    read: (position, length) => readExactly(file, position, length),
    [Symbol.asyncDispose]: () => file.close(),
  }
}

async function readExactly(file: FileHandle, position: number, length: number): Promise<Buffer> {
  const buffer = Buffer.allocUnsafe(length)
  const { bytesRead } = await file.read(buffer, 0, length, position)
  if (bytesRead !== length) throw new Error('the file was truncated while it was sent')
  return buffer
}

/** Reads the whole content in order. */
export async function* toPieces(source: UploadSource, pieceBytes: number): AsyncIterable<Buffer> {
  for (let position = 0; position < source.size; position += pieceBytes)
    yield await source.read(position, Math.min(pieceBytes, source.size - position))
}

/** Returns the SHA-256 of the whole content in hexadecimal. */
export async function hashSource(source: UploadSource, pieceBytes: number): Promise<string> {
  const hash = createHash('sha256')
  for await (const piece of toPieces(source, pieceBytes)) hash.update(piece)
  return hash.digest('hex')
}
