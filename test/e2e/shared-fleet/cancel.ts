import { beforeAll, describe, expect, it } from 'vitest'
import type { Host } from '../../bed/index.ts'
import type { Api } from '../../fleet/api.ts'
import type { Fleet } from '../../fleet/fleet.ts'

interface Cast {
  fleet: () => Fleet
  host: () => Host
}

/** Commands that are cancelled while their host is frozen, off or busy. The host is running and installed at the end. */
export const cancelStories = (cast: Cast) =>
  describe('a command that is cancelled', () => {
    let fleet: Fleet
    let host: Host
    let api: Api

    beforeAll(() => {
      fleet = cast.fleet()
      host = cast.host()
      ;({ api } = fleet)
    })

    const start = (file: string) => fleet.start(host, 'sh', '-c', 'echo started > "$1"; sleep 30', 'sh', file)
    const hasStarted = async (file: string) => (await host.exec(['test', '-e', file])).exitCode === 0

    it('a command that is cancelled while its host is frozen never runs afterwards', async () => {
      const files = Array.from({ length: 6 }, (_, i) => `/var/tmp/frozen-${i}`)
      await host.freeze()
      const ids = await Promise.all(files.map(start))
      for (const id of ids) await api.call('cancelCommand', { params: { id } })
      await host.thaw()
      for (const [i, id] of ids.entries()) {
        const ended = await api.ended(id, 200_000)
        expect(ended.state).toBe('cancelled')
        if (ended.startedAt === null) expect(await hasStarted(files[i] ?? ''), ended.reason ?? '').toBe(false)
      }
      expect((await host.exec(['pgrep', '-f', 'frozen-'])).stdout).toBe('')
    })

    it('a command that is cancelled while its host is off ends soon and never starts', async () => {
      await host.powerOff()
      const id = await start('/var/tmp/off')
      await api.until(id, (command) => command.reasonCode === 'agent.unreachable', 120_000)
      await api.call('cancelCommand', { params: { id } })
      expect(await api.ended(id, 60_000)).toMatchObject({ state: 'cancelled', startedAt: null })
      await host.boot()
      const [next] = await api.run({ hosts: [host.name], program: 'true' })
      expect(await api.ended(next?.id ?? '')).toMatchObject({ state: 'success' })
      expect(await hasStarted('/var/tmp/off')).toBe(false)
    })

    it('a command whose daemon holds its output ends at once when cancelled', async () => {
      const [command] = await api.run({
        hosts: [host.name],
        program: 'sh',
        args: ['-c', 'sleep 300 & echo done'],
      })
      const id = command?.id ?? ''
      await api.until(id, (seen) => seen.outputBytes > 0)
      await api.call('cancelCommand', { params: { id } })
      expect((await api.ended(id, 30_000)).state).toMatch(/^(success|cancelled)$/)
    })

    it('a cancelled installation leaves a host that can be installed again', async () => {
      const { commandId } = await api.call('installHost', { params: { host: host.name } })
      await api.call('cancelCommand', { params: { id: commandId } })
      expect((await api.ended(commandId)).state).toMatch(/^(cancelled|success)$/)
      expect((await api.host(host.name)).state).toMatch(/^(install_failed|online)$/)
      const again = await api.call('installHost', { params: { host: host.name } })
      expect((await api.ended(again.commandId)).state).toBe('success')
    })
  })
