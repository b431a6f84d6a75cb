import { createReadStream, createWriteStream } from 'node:fs'
import { readdir, rename, stat } from 'node:fs/promises'
import { join, relative } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { createGzip } from 'node:zlib'
import { pack } from 'tar-stream'

// 128 MB become 45.1 in 5 s; level 9 makes 44.9 in 16 s, level 1 50.3 in 2 s. Unpacking takes 0.8 s at each.
const GZIP_LEVEL = 6
const OWNER = { uid: 0, gid: 0, uname: 'root', gname: 'root', mtime: new Date(0) }

/** Archives a folder reproducibly: names sorted, no times, owned by root, and modes that depend on the name alone. */
export async function writeTar(folder, archive) {
  const files = (await filesUnder(folder)).sort()
  const partial = `${archive}.partial`
  const tar = pack()
  await Promise.all([
    pipeline(tar, createGzip({ level: GZIP_LEVEL }), createWriteStream(partial)),
    addFiles(tar, folder, files),
  ])
  await rename(partial, archive)
}

async function addFiles(tar, folder, files) {
  for (const file of files) {
    const name = relative(folder, file)
    const { size } = await stat(file)
    const entry = tar.entry({ ...OWNER, name, size, mode: name === 'bin/node' ? 0o755 : 0o644 })
    await pipeline(createReadStream(file, { highWaterMark: 1024 * 1024 }), entry)
  }
  tar.finalize()
}

/** Lists every file below a folder, in no particular order. */
export async function filesUnder(folder) {
  const entries = await readdir(folder, { withFileTypes: true, recursive: true })
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath ?? entry.path, entry.name))
}
