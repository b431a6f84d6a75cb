import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const MEMORY = '/dev/shm'
const here = (name: string) => fileURLToPath(new URL(name, import.meta.url))

it('a loss of power before any change of an upgrade, and again during the boot, leaves one whole agent', async () => {
  const argv = [here('switch-power-cuts.py'), here('../../playbooks/host')]
  // In memory, where there is such a place: it makes and removes some ten thousand small files.
  const env = { ...process.env, ...(existsSync(MEMORY) && { TMPDIR: MEMORY }) }
  const { stdout } = await promisify(execFile)('python3', argv, { timeout: 300_000, env })
  const cuts = JSON.parse(stdout)
  expect(cuts.once).toBeGreaterThan(40)
  expect(cuts.twice).toBeGreaterThan(400)
}, 300_000)
