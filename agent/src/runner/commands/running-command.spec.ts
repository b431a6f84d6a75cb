import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { COMMAND_METHODS } from '@rollcall/contracts/agent'
import { expect, test } from 'vitest'
import { systemClock } from '../../platform/clock.ts'
import { spoolPaths } from '../../spool/spool-paths.ts'
import type { SpecRecord } from '../../spool/spool-records.ts'
import { Fifos } from '../fifos.ts'
import type { OutputSpool } from '../output/output-spool.ts'
import { RunningCommand } from './running-command.ts'

test('a clock change during a command does not change its duration', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'rollcall-clock-'))
  const command_id = '00000000-0000-4000-8000-000000000001'
  const params = COMMAND_METHODS.execute_command.params.parse({
    command_id,
    command: 'sleep',
    args: ['0.2'],
    timeout: 20,
  })
  const wallClock = [1_000_000_000_000]
  const { started_at_ms, ended_at_ms } = await new Promise<{
    started_at_ms: number | null
    ended_at_ms: number
  }>((resolve) => {
    const command = new RunningCommand({
      spec: { params } as SpecRecord,
      paths: spoolPaths(folder).command(command_id),
      output: { kept: { stdout: 0, stderr: 0 }, dropped: 0, finish: () => undefined } as OutputSpool,
      fifos: new Fifos(join(folder, 'pipes'), { info: () => undefined, error: () => undefined }),
      clock: { ...systemClock, epochMs: () => wallClock.pop() ?? 5 },
      onStarted: () => undefined,
      onInputFault: () => undefined,
      describeLeft: () => null,
      onEnded: resolve,
      onReleased: () => undefined,
    })
    void command.start()
  })
  rmSync(folder, { recursive: true })
  expect(started_at_ms).toBe(1_000_000_000_000)
  expect(ended_at_ms - 1_000_000_000_000).toBeGreaterThanOrEqual(200)
  expect(ended_at_ms - 1_000_000_000_000).toBeLessThan(10_000)
})
