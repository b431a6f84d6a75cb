import type { InstanceReport, ReportedInstance } from '@rollcall/contracts/agent'
import { instanceReport } from '@rollcall/contracts/agent'
import { expect, it } from 'vitest'
import { poll } from '../../bed/poll.ts'
import { type HostProgram, orderOf } from './program.ts'

const ID = '00c0ffee'
const REPORT = '/run/rollcall-warden/report.json'
const ROUNDS = '/tmp/rounds'
/** Answers HTTP and Redis, and is ill while a file of its container exists. */
const SERVER = `use IO::Socket::INET; $SIG{TERM} = sub { exit 0 }; $SIG{PIPE} = "IGNORE";
my $server = IO::Socket::INET->new(LocalPort => 80, Listen => 20, ReuseAddr => 1) or die "port: $!";
while (my $client = $server->accept) {
  my $line = <$client> // ""; my $ill = -e "/tmp/ill";
  if ($line =~ /^GET/) {
    while (defined(my $head = <$client>)) { last if $head =~ /^\\r?$/ }
    print $client $ill ? "HTTP/1.1 503 Ill\\r\\n\\r\\n" : "HTTP/1.1 204 Well\\r\\n\\r\\n";
  } elsif ($line =~ /^PING/) { print $client $ill ? "-LOADING data\\r\\n" : "+PONG\\r\\n" }
  close $client }`

const check = (probe: Record<string, unknown>, more: Record<string, unknown> = {}) => ({
  container: 'web',
  probe,
  is_critical: true,
  interval_ms: 1000,
  timeout_ms: 5000,
  fails: 2,
  passes: 3,
  start_period_ms: 60_000,
  ...more,
})

/** Never ends, and tells how often it was started. */
const HANGS = ['/bin/sh', '-c', `echo >>${ROUNDS}; exec sleep 6543`]

const CHECKS = [
  check({ kind: 'http', path: '/up', port: 80 }),
  check({ kind: 'tcp', port: 80 }),
  check({ kind: 'database', database: 'redis', port: 80 }),
  check({ kind: 'command', argv: ['/bin/sh', '-c', 'if [ -e /tmp/ill ]; then echo ill; exit 4; fi'] }),
  check({ kind: 'process', name: 'perl' }),
  check({ kind: 'resources', max_memory_percent: 99, max_cpu_percent: null }),
  check(
    { kind: 'command', argv: HANGS },
    { is_critical: false, timeout_ms: 500, fails: 1, start_period_ms: 0 },
  ),
]

/** Reads a host's reports, and remembers each health of the instance. */
class Reports {
  readonly healths: string[] = []
  readonly #program: HostProgram

  constructor(program: HostProgram) {
    this.#program = program
  }

  async until(what: string, isSo: (instance: ReportedInstance) => boolean): Promise<ReportedInstance> {
    let last: InstanceReport | undefined
    const isThere = async () => {
      const { stdout } = await this.#program.host.exec(['cat', REPORT])
      if (stdout === '') return false
      last = instanceReport.parse(JSON.parse(stdout))
      const found = last.instances.find(({ instance }) => instance === ID)
      if (found === undefined) return false
      if (found.health !== this.healths.at(-1)) this.healths.push(found.health)
      return isSo(found) && found
    }
    try {
      return await poll(isThere, { timeoutMs: 90_000, everyMs: 250, what })
    } catch (error) {
      const trace = await this.#program.trace()
      throw new Error(`${(error as Error).message}: ${JSON.stringify(last)}\n${trace}`)
    }
  }
}

const inContainer = (program: HostProgram, script: string) =>
  program.exec('exec', ID, 'web', '--', '/bin/sh', '-c', script)

/** Adds the tests of the warden to those of the program of instances, on the same hosts. */
export function testWarden(programs: () => readonly HostProgram[], digest: () => string): void {
  const onEach = (act: (program: HostProgram) => Promise<void>) => Promise.all(programs().map(act))

  it('a check of each kind sees its container fail and recover, over its own address and without a published port', async () => {
    await onEach(async (program) => {
      const reports = new Reports(program)
      const container = { name: 'web', command: ['perl', '-e', SERVER] }
      await program.run(await orderOf(digest(), { instance: ID, checks: CHECKS }, [container]))
      // The check that hangs is not critical.
      await reports.until('the instance to be healthy', ({ health }) => health === 'partial')
      await inContainer(program, '>/tmp/ill')
      const ill = await reports.until(
        'three checks to fail',
        ({ checks }) => checks.slice(0, 6).filter(({ state }) => state === 'failed').length === 3,
      )
      expect(ill.health, program.host.name).toBe('failed')
      expect(ill.reason, program.host.name).toBe(
        'web: GET /up answered 503; web: redis: LOADING data; web: the command ended with 4: ill',
      )
      // There is no rm in the image.
      await inContainer(program, 'exec perl -e \'unlink "/tmp/ill"\'')
      await reports.until('the instance to be healthy', ({ health }) => health === 'partial')
      expect(reports.healths.slice(-3), program.host.name).toEqual(['failed', 'recovering', 'partial'])
    })
  }, 300_000)

  it('a command that hangs is ended in its container each time, and none of them is left', async () => {
    await onEach(async (program) => {
      const rounds = async () => (await inContainer(program, `cat ${ROUNDS}`)).stdout.length
      await poll(async () => (await rounds()) >= 3, { timeoutMs: 120_000, what: 'three rounds' })
      const { stdout } = await program.host.exec(['pgrep', '-c', '-x', '-f', 'sleep 6543'])
      expect(Number(stdout), program.host.name).toBeLessThan(2)
    })
  }, 180_000)

  it('a container whose process is killed fails its instance, which recovers when it runs again', async () => {
    await onEach(async (program) => {
      const reports = new Reports(program)
      const { containers } = await reports.until('a process', ({ containers }) => containers[0]?.pid !== null)
      await program.host.output(['kill', '-KILL', String(containers[0]?.pid)])
      await reports.until('a restart', (instance) => (instance.containers[0]?.restarts ?? 0) > 0)
      await reports.until('the instance to be healthy', ({ health }) => health === 'partial')
      expect(reports.healths.slice(-2), program.host.name).toEqual(['recovering', 'partial'])
      expect(await program.step('remove', ID, '1')).toEqual({ state: 'gone' })
    })
  }, 180_000)
}
