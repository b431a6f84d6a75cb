import { execFile } from 'node:child_process'
import { copyFileSync, cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'

const ROOT = fileURLToPath(new URL('../../', import.meta.url))
const BIN = join(ROOT, 'node_modules/.bin')

/** Runs a linter. Returns its output, whatever its exit code. */
async function lint(program: string, args: string[], cwd: string): Promise<string> {
  const running = promisify(execFile)(join(BIN, program), args, { cwd })
  const { stdout, stderr } = await running.catch((error: { stdout: string; stderr: string }) => error)
  return stdout + stderr
}

describe('lint keeps the processes of the agent apart', () => {
  let folder: string
  let report: string
  beforeAll(async () => {
    folder = mkdtempSync(join(tmpdir(), 'rollcall-boundaries-'))
    mkdirSync(join(folder, 'agent'))
    cpSync(join(ROOT, 'agent/src'), join(folder, 'agent/src'), { recursive: true })
    for (const name of ['contracts', 'server', 'node_modules', 'tsconfig.base.json'])
      symlinkSync(join(ROOT, name), join(folder, name))
    copyFileSync(join(ROOT, 'biome.json'), join(folder, 'biome.json'))
    const plant = (name: string, text: string) => writeFileSync(join(folder, 'agent/src', name), text)
    plant('agent/runs.ts', "import 'node:child_process'\n")
    plant('platform/indirect.ts', "import '../runner/bounded-program.ts'\n")
    plant('agent/runs-indirectly.ts', "import '../platform/indirect.ts'\n")
    plant('agent/dials.ts', "import { connect } from 'node:net'\nconnect(1)\n")
    plant('agent/knows-runner.ts', "import '../runner/resolve-program.ts'\n")
    plant('agent/knows-worker.ts', "import '../worker/safe-path.ts'\n")
    plant('spool/knows-worker.ts', "import '../worker/safe-path.ts'\n")
    plant('spool/runs.ts', "import 'node:child_process'\n")
    plant('runner/knows-agent.ts', "import '../agent/runner-link.ts'\n")
    plant('worker/knows-runner.ts', "import '../runner/bounded-program.ts'\n")
    report = await lint('depcruise', ['--config', join(ROOT, '.dependency-cruiser.cjs'), 'agent/src'], folder)
  })
  afterAll(() => rmSync(folder, { recursive: true, force: true }))

  test.each([
    ['agent/runs.ts', 'agent-process-runs-nothing'],
    ['agent/runs-indirectly.ts', 'agent-process-runs-nothing'],
    ['agent/dials.ts', 'agent-process-dials-nothing'],
    ['agent/knows-runner.ts', 'agent-knows-neither-runner-nor-worker'],
    ['agent/knows-worker.ts', 'agent-knows-neither-runner-nor-worker'],
    ['spool/knows-worker.ts', 'spool-and-platform-know-no-process'],
    ['spool/runs.ts', 'spool-and-platform-know-no-process'],
    ['runner/knows-agent.ts', 'runner-knows-no-agent'],
    ['worker/knows-runner.ts', 'worker-knows-neither-agent-nor-runner'],
  ])('a planted fault in %s violates the rule %s', (file, rule) => {
    expect(report).toContain(`error ${rule}: agent/src/${file} → `)
  })

  test('no file of the agent but the planted ones violates a rule', () => {
    const violators = [...report.matchAll(/error [\w-]+: agent\/src\/(\S+) →/g)].map(([, file]) => file)
    expect(
      violators.filter(
        (file) => !/^(agent|spool|runner|worker|platform)\/(runs|dials|knows|indirect)/.test(file ?? ''),
      ),
    ).toEqual([])
  })

  test.each([
    ["import { request } from 'node:https'\nrequest('')\n", 'noRestrictedImports'],
    ["import { connect } from 'node:net'\nconnect(1)\n", 'noRestrictedImports'],
    ["await fetch('')\n", 'noRestrictedGlobals'],
    ["new WebSocket('')\n", 'noRestrictedGlobals'],
  ])('dialling by %j in the RPC server violates the rule %s', async (text, rule) => {
    const file = 'agent/src/agent/rpc/planted.ts'
    writeFileSync(join(folder, file), text)
    expect(await lint('biome', ['lint', '--vcs-enabled=false', '--colors=off', file], folder)).toContain(rule)
  })
})
