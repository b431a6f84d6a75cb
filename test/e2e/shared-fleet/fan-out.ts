import type { NewRunInput, RunAccepted, RunView } from '@rollcall/contracts/admin'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Host } from '../../bed/index.ts'
import { poll } from '../../bed/poll.ts'
import type { Api } from '../../fleet/api.ts'
import type { Fleet } from '../../fleet/fleet.ts'
import type { ServerProcess } from '../../fleet/server-process.ts'

const NAMES = ['web-1', 'web-2', 'web-3', 'db-1', 'db-2']
/** Says by the clock of the machine that all the hosts run on when it began and when it ended. */
const TIMED = ['-c', 'date +%s%N; sleep 0.5; date +%s%N']

/** Runs on all five hosts of a fleet, which are labelled with `role` and `zone`. */
export const fanOutStories = (open: () => Fleet) =>
  describe('a run on many hosts', () => {
    let hosts: Map<string, Host>
    let server: ServerProcess
    let api: Api

    beforeAll(() => {
      const fleet = open()
      ;({ server, api } = fleet)
      hosts = new Map(fleet.hosts.map((host) => [host.name, host]))
    })

    const accept = (request: NewRunInput) => api.call('run', { body: request })
    const show = async (id: string) => (await api.call('showRun', { params: { id } })).run
    const toSummary = (id: string) => api.call('summarizeRun', { params: { id } })
    const untilRun = async (id: string, isReached: (run: RunView) => boolean) => {
      let seen: RunView | undefined
      const isThere = async () => {
        seen = await show(id)
        return isReached(seen)
      }
      await poll(isThere, { timeoutMs: 60_000, what: `run ${id}` })
      return seen as RunView
    }
    const ended = (id: string) => untilRun(id, ({ endedAt }) => endedAt !== null)

    /** From when to when the program ran on each host, as it said itself. */
    async function spans({ commands }: RunAccepted): Promise<{ from: bigint; to: bigint }[]> {
      return Promise.all(
        commands.map(async ({ id }) => {
          const [from = '', to = ''] = (await api.text(id)).split('\n')
          return { from: BigInt(from), to: BigInt(to) }
        }),
      )
    }
    const mostAtOnce = (all: { from: bigint; to: bigint }[]) =>
      Math.max(...all.map(({ from }) => all.filter((other) => other.from <= from && from < other.to).length))

    it('a run goes to the hosts whose labels match, or to all', async () => {
      const fitting = async (labels: string[]) =>
        (await accept({ labels, program: 'true' })).commands.map(({ host }) => host.name)
      expect(await fitting(['role=web'])).toEqual(['web-1', 'web-2', 'web-3'])
      expect(await fitting(['role in (web,db)', 'zone!=a'])).toEqual(['db-1', 'web-2'])
      const all = await accept({ all: true, program: 'true' })
      expect(await ended(all.runId)).toMatchObject({
        total: 5,
        counts: { success: 5 },
        target: { by: 'all' },
      })
      const refused = await api.request('POST', '/api/runs', { labels: ['role=mail'], program: 'true' })
      expect(refused).toMatchObject({ status: 409, body: { error: { code: 'host.none_selected' } } })
    })

    it('a run is under way on no more hosts at a time than its limit', async () => {
      const run = await accept({ all: true, program: 'sh', args: TIMED, limits: { concurrency: 2 } })
      await ended(run.runId)
      expect(mostAtOnce(await spans(run))).toBe(2)
    })

    it('a run goes in waves, each of which begins when the previous one has ended', async () => {
      const run = await accept({ all: true, program: 'sh', args: TIMED, limits: { batch: '60%' } })
      await ended(run.runId)
      const [one, two, three, four, five] = await spans(run)
      const first = [one, two, three].map((span) => span?.to ?? 0n)
      for (const span of [four, five]) for (const to of first) expect(span?.from).toBeGreaterThan(to)
    })

    it('a run stops after too many failures, and says so', async () => {
      const run = await accept({
        all: true,
        program: 'sh',
        args: ['-c', 'touch /var/tmp/begun; exit 7'],
        limits: { concurrency: 1, stopAfterFailures: 2 },
      })
      expect(await ended(run.runId)).toMatchObject({
        counts: { failed: 2, cancelled: 3 },
        stoppedAt: expect.any(String),
      })
      const begun = await Promise.all(
        NAMES.map(async (name) => (await hosts.get(name)?.exec(['test', '-e', '/var/tmp/begun']))?.exitCode),
      )
      expect(begun.filter((exitCode) => exitCode === 0)).toHaveLength(2)
      expect((await toSummary(run.runId)).groups).toMatchObject([
        { state: 'cancelled', reasonCode: 'run.stopped', hosts: { length: 3 } },
        { state: 'failed', exitCode: 7, hosts: { length: 2 } },
      ])
    })

    it('a run continues after a kill of the server: every host once, and within its limit', async () => {
      const args = ['-c', `echo once >> /var/tmp/survived; ${TIMED[1]}`]
      const run = await accept({ all: true, program: 'sh', args, limits: { concurrency: 1 } })
      await untilRun(run.runId, ({ counts }) => counts.success >= 1)
      await server.restart('SIGKILL')
      expect(await ended(run.runId)).toMatchObject({ counts: { success: 5 } })
      expect(mostAtOnce(await spans(run))).toBe(1)
      for (const name of NAMES)
        expect(await hosts.get(name)?.output(['cat', '/var/tmp/survived'])).toBe('once')
    })

    it('a run is cancelled as a whole', async () => {
      const args = ['-c', 'touch /var/tmp/unwanted; sleep 60']
      const run = await accept({ all: true, program: 'sh', args, limits: { concurrency: 2 } })
      await untilRun(run.runId, ({ counts }) => counts.running === 2)
      await api.call('cancelRun', { params: { id: run.runId } })
      expect(await ended(run.runId)).toMatchObject({ counts: { cancelled: 5 }, cancelRequested: true })
      const touched = await Promise.all(
        NAMES.map(
          async (name) => (await hosts.get(name)?.exec(['test', '-e', '/var/tmp/unwanted']))?.exitCode,
        ),
      )
      expect(touched.filter((exitCode) => exitCode === 0)).toHaveLength(2)
    })

    it('the CLI shows one output for all hosts that answered the same', async () => {
      const script = 'case $(hostname) in db-2) echo broken >&2; exit 3;; *) echo "fine"; echo hm >&2;; esac'
      const args = ['run', '--all', '--output', 'group', '--', 'sh', '-c', script]
      const { code, stdout, stderr } = await server.cli(...args)
      expect(stderr).toContain('5 hosts: 4 ok, 1 failed')
      expect(code).toBe(1)
      const [well = '', wrong] = stdout.split('\n\n')
      expect(well.split('\n')[0]).toBe('db-1,web-[1-3] (4 hosts): success')
      expect(well.split('\n').slice(1).toSorted()).toEqual(['fine', 'hm'])
      expect(wrong).toBe('db-2 (1 host): failed, exit code 3\nbroken\n')
    })
  })
