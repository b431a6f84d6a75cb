import { afterEach, beforeEach } from 'vitest'
import { FakeServer } from './fake-server.ts'
import { Rollcall } from './rollcall.ts'

/** A fresh fake server for every test, and the program pointed at it. */
export function withServer() {
  const setting = {
    server: undefined as unknown as FakeServer,
    running: [] as Rollcall[],
    rollcall(args: readonly string[], env: NodeJS.ProcessEnv = {}): Rollcall {
      const rollcall = new Rollcall(args, { ROLLCALL_DATA_DIR: setting.server.dataDir, ...env })
      setting.running.push(rollcall)
      return rollcall
    },
    /** Runs it to its end. */
    async ended(args: readonly string[], { input, env }: { input?: string; env?: NodeJS.ProcessEnv } = {}) {
      const rollcall = setting.rollcall(args, env)
      rollcall.process.stdin.end(input ?? '')
      return { exitCode: await rollcall.ended(), stdout: rollcall.stdout, stderr: rollcall.stderr }
    },
  }
  beforeEach(async () => {
    setting.server = await FakeServer.start()
  })
  afterEach(async () => {
    for (const { process } of setting.running.splice(0)) process.kill('SIGKILL')
    await setting.server.stop()
  })
  return setting
}
