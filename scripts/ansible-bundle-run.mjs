import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { createReadStream } from 'node:fs'
import { pipeline } from 'node:stream/promises'

const STEP_TIMEOUT_MS = 5 * 60_000

/** The bundle cannot be made or used; the message says what to do. */
export class BundleError extends Error {
  name = 'BundleError'
}

export async function sha256Of(path) {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path), hash)
  return hash.digest('hex')
}

/** Runs a program and returns what it printed. Throws, with its last words, when it fails or takes over five minutes. */
export function run(file, args, { cwd, env = process.env } = {}) {
  return new Promise((resolve, reject) => {
    const child = spawn(file, args, { cwd, env, stdio: ['ignore', 'pipe', 'pipe'], timeout: STEP_TIMEOUT_MS })
    const chunks = { stdout: [], stderr: [] }
    for (const name of ['stdout', 'stderr']) child[name].on('data', (chunk) => chunks[name].push(chunk))
    const text = (name) => Buffer.concat(chunks[name]).toString()
    child.on('error', (error) =>
      reject(new BundleError(`${file} cannot be run: ${error.message}`, { cause: error })),
    )
    child.on('close', (code, signal) => {
      if (code === 0) return resolve(text('stdout'))
      const how = signal ? `was ended by ${signal}` : `exited ${code}`
      reject(new BundleError(`${file} ${args[0]} ${how}: ${text('stderr').trim().slice(-2000)}`))
    })
  })
}
