import { execFile } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, it } from 'vitest'
import { withServer } from './setting.ts'

const LAUNCHER = fileURLToPath(new URL('../bin/rollcall.cjs', import.meta.url))
const setting = withServer()

/** Returns what bash offers for a line, with the script loaded as a person would. */
async function offered(line: string, env: NodeJS.ProcessEnv = {}): Promise<string[]> {
  const script = `rollcall() { '${process.execPath}' '${LAUNCHER}' "$@"; }
    source <(rollcall completion bash)
    COMP_LINE=$1 COMP_POINT=\${#1}
    _rollcall
    printf '%s\\n' "\${COMPREPLY[@]}"`
  const { stdout } = await promisify(execFile)('bash', ['-c', script, 'bash', line], {
    env: { PATH: process.env.PATH, HOME: '/nonexistent', ROLLCALL_DATA_DIR: setting.server.dataDir, ...env },
  })
  return stdout.split('\n').filter(Boolean)
}

it('completes commands, options and host names in a real bash', async () => {
  for (const name of ['web-1', 'web-2', 'db-1']) setting.server.addHost(name)
  expect(await offered('rollcall ho')).toEqual(['host'])
  expect(await offered('rollcall host show web')).toEqual(['web-1', 'web-2'])
  expect(await offered('rollcall run --host=d')).toEqual(['db-1'])
  expect(await offered('rollcall host list --sta')).toEqual(['--state'])
})

it('completes commands while no server answers, and says nothing of it', async () => {
  const absent = { ROLLCALL_DATA_DIR: '/nonexistent' }
  expect(await offered('rollcall host show ', absent)).toEqual([])
  expect(await offered('rollcall comp', absent)).toEqual(['completion'])
})

it('the program answers --version without loading commands, and refuses an unknown shell', async () => {
  expect((await setting.ended(['--version'])).stdout).toMatch(/^\d+\.\d+\.\d+\n$/)
  expect(await setting.ended(['completion', 'tcsh'])).toMatchObject({ exitCode: 2 })
})
