export interface TarEntry {
  /** Relative, with slashes; at most 100 bytes. */
  path: string
  data: Buffer
}

const BLOCK = 512

/** Creates a POSIX tar archive from names and contents alone, so equal entries give equal bytes. */
export function createTar(entries: readonly TarEntry[]): Buffer {
  const blocks = [...entries]
    .sort((a, b) => (a.path < b.path ? -1 : 1))
    .flatMap(({ path, data }) => [
      header(path, data.length),
      data,
      Buffer.alloc((BLOCK - (data.length % BLOCK)) % BLOCK),
    ])
  return Buffer.concat([...blocks, Buffer.alloc(2 * BLOCK)])
}

function header(path: string, size: number): Buffer {
  if (Buffer.byteLength(path) > 100)
    throw new RangeError(`${path} is longer than the 100 bytes that a tar header holds`)
  const block = Buffer.alloc(BLOCK)
  const octal = (value: number, offset: number, length: number) =>
    block.write(`${value.toString(8).padStart(length - 1, '0')}\0`, offset)
  block.write(path, 0)
  octal(0o644, 100, 8)
  octal(0, 108, 8)
  octal(0, 116, 8)
  octal(size, 124, 12)
  octal(0, 136, 12)
  block.write('        0', 148)
  block.write('ustar\0', 257)
  block.write('00', 263)
  const sum = block.reduce((total, byte) => total + byte, 0)
  block.write(`${sum.toString(8).padStart(6, '0')}\0 `, 148)
  return block
}
