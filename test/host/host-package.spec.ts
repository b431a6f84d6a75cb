import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'

const FOLDER = fileURLToPath(new URL('.', import.meta.url))

/** Debian's, which `npm test` installs where it is root. */
const PYTEST = '/usr/bin/pytest-3'

it.skipIf(!existsSync(PYTEST) && process.getuid?.() !== 0)(
  'the package that runs on hosts passes its own tests in Python',
  async () => {
    const argv = ['-q', '-p', 'no:cacheprovider', FOLDER]
    const env = { ...process.env, PYTHONDONTWRITEBYTECODE: '1' }
    const { stdout } = await promisify(execFile)(PYTEST, argv, { env }).catch((error) => {
      throw new Error(`pytest failed:\n${error.stdout}${error.stderr}`)
    })
    expect(Number(/(\d+) passed/.exec(stdout)?.[1])).toBeGreaterThan(50)
  },
)
