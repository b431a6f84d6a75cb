import { spawn } from 'node:child_process'
import { availableParallelism } from 'node:os'

/** Each process starts Node and hashes for about a tenth of a second on a machine of 2024. */
const PROCESSES = 24
const WORK = `
  const { createHash } = require('node:crypto')
  let digest = Buffer.alloc(1 << 16)
  for (let round = 0; round < 400; round += 1) digest = Buffer.concat([createHash('sha256').update(digest).digest(), digest.subarray(32)])
  JSON.parse(JSON.stringify(Array.from({ length: 20000 }, (_, id) => ({ id, name: 'host-' + id }))))
`

/**
 * Measures how fast this machine is at this moment, with a fixed piece of work: starting processes and computing in them, on as many processors
 * as there are, as builds and tests do. Returns the seconds that it took.
 */
export async function measureUnit() {
  const startedAt = performance.now()
  let left = PROCESSES
  const work = async () => {
    while (left-- > 0) await runOnce()
  }
  await Promise.all(Array.from({ length: availableParallelism() }, work))
  return (performance.now() - startedAt) / 1000
}

function runOnce() {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, ['-e', WORK], { stdio: 'ignore' })
    child.on('error', reject)
    child.on('close', (code) =>
      code === 0 ? resolve() : reject(new Error(`the measuring process ended with ${code}`)),
    )
  })
}
