import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bed, type Host, type HostRequest, whyNoBed } from '../bed/index.ts'
import type { Api } from '../fleet/api.ts'
import { Backends } from '../fleet/backends.ts'
import { keyCredential } from '../fleet/credentials.ts'
import { LiveClient } from '../fleet/live-client.ts'
import { ServerProcess } from '../fleet/server-process.ts'

const noBed = await whyNoBed()

const HOSTS = [
  { name: 'old', flavour: 'bullseye' },
  { name: 'current', flavour: 'bookworm', user: { name: 'ops', password: 'open sesame', sudo: 'password' } },
  { name: 'new', flavour: 'trixie' },
] as const satisfies HostRequest[]
const NAMES = HOSTS.map(({ name }) => name)
/** Both ways to sign in. What a host is makes no difference to the database, unless somebody wants it tried. */
const SAMPLED = process.env.ROLLCALL_TEST_HOSTS === undefined ? (['current', 'new'] as const) : NAMES

/** The main job, whole, on each pair of database and queue that the server supports. */
describe.skipIf(noBed)(`the main job ${noBed ?? ''}`, () => {
  let bed: Bed
  let hosts: Host[]

  beforeAll(async () => {
    bed = await Bed.open({ name: 'main-job' })
    hosts = await bed.boot(HOSTS)
  })
  afterAll(() => bed?.close())

  describe.each([
    ['embedded', NAMES],
    ['debian', SAMPLED],
  ] as const)('on the %s database and queue', (kind, names) => {
    let backends: Backends | undefined
    let server: ServerProcess
    let api: Api

    const host = (name: (typeof names)[number]) =>
      hosts.find((one) => one.name === name) ?? expect.unreachable(`no host ${name}`)

    beforeAll(async () => {
      backends = kind === 'debian' ? await Backends.start() : undefined
      server = await ServerProcess.start(
        backends && { databaseUrl: backends.databaseUrl, redisUrl: backends.redisUrl },
      )
      api = await server.api()
    })
    afterAll(async () => {
      await server?.[Symbol.asyncDispose]()
      await backends?.[Symbol.asyncDispose]()
    })

    it(`the bare hosts ${names.join(', ')} come online, as root by key and as a user with sudo`, async () => {
      const key = await keyCredential(bed)
      const bySudo = { user: 'ops', credential: { type: 'password', password: 'open sesame' } } as const
      const installations = await Promise.all(
        names.map((name) =>
          api.addHost({
            name,
            address: host(name).address,
            credential: key,
            ...(name === 'current' && bySudo),
          }),
        ),
      )
      for (const installation of installations) {
        expect(installation.state, await api.text(installation.id)).toBe('success')
        expect((await api.host(installation.host.name)).state).toBe('online')
      }
    })

    it('no secret is in anything that is shown', async () => {
      const shown =
        JSON.stringify([await api.call('listHosts'), await api.call('listCommands')]) +
        server.lines.join('\n')
      expect(shown).not.toContain('open sesame')
      expect(shown).not.toContain('PRIVATE KEY')
    })

    it('a second installation of a host changes nothing', async () => {
      const { commandId } = await api.call('installHost', { params: { host: 'current' } })
      const installation = await api.ended(commandId)
      const log = await api.text(commandId)
      expect(installation.state, log).toBe('success')
      expect(log).toMatch(/changed=0 /)
    })

    it('a program on a list of hosts shows the output of each', async () => {
      const commands = await api.run({ hosts: [...names], program: 'uname', args: ['-n'] })
      for (const { id, host: commanded } of commands) {
        const ended = await api.ended(id)
        expect(ended).toMatchObject({ state: 'success', exitCode: 0 })
        expect(await api.text(id)).toBe(`${commanded.name}\n`)
      }
    })

    it('each line is pushed as it is written, both streams in order', async () => {
      const script = 'for i in 1 2 3 4 5; do date +%s%3N; date +%s%3N >&2; sleep 0.3; done'
      const [command] = await api.run({ hosts: ['current'], program: 'sh', args: ['-c', script] })
      if (!command) throw new Error('no command')
      using live = await LiveClient.open(api)
      const lines = await live.follow(command.id)
      expect(lines.map((line) => line.stream)).toEqual(
        Array.from({ length: 5 }, () => ['stdout', 'stderr']).flat(),
      )
      // Written by a clock that all hosts of the bed share with us. Wide enough for a busy machine; the benchmark measures.
      for (const line of lines.slice(2)) expect(line.at - Number(line.data)).toBeLessThan(1000)
    })

    it('failure, signal, timeout, cancellation and a missing program are told apart', async () => {
      const run = async (program: string, args: string[], timeoutMs = 60_000) => {
        const [command] = await api.run({ hosts: ['new'], program, args, timeoutMs })
        if (!command) throw new Error('no command')
        return command.id
      }
      const [failed, killed, late, missing, long] = await Promise.all([
        run('sh', ['-c', 'exit 3']),
        run('sh', ['-c', 'kill -9 $$']),
        run('sleep', ['60'], 500),
        run('no-such-program', []),
        run('sleep', ['60']),
      ])
      await api.until(long, (command) => command.state === 'running')
      await api.call('cancelCommand', { params: { id: long } })
      expect(await api.ended(failed)).toMatchObject({ state: 'failed', exitCode: 3, signal: null })
      expect(await api.ended(killed)).toMatchObject({ state: 'failed', exitCode: null, signal: 'SIGKILL' })
      expect(await api.ended(late)).toMatchObject({ state: 'timed_out', exitCode: null })
      expect(await api.ended(missing)).toMatchObject({
        state: 'failed',
        exitCode: 127,
        reasonCode: 'command.start_failed',
      })
      expect(await api.ended(long)).toMatchObject({ state: 'cancelled' })
    })

    it('a repeated request returns the first run, and its id is refused for another', async () => {
      const request = {
        runId: crypto.randomUUID(),
        hosts: ['new'],
        program: 'sh',
        args: ['-c', 'echo once >> /tmp/once'],
      }
      const [first] = await api.run(request)
      const [second] = await api.run(request)
      expect(second?.id).toBe(first?.id)
      await api.ended(first?.id ?? '')
      const conflict = await api.request<{ error: { code: string } }>('POST', '/api/runs', {
        ...request,
        args: ['-c', 'true'],
      })
      expect(conflict).toMatchObject({ status: 409, body: { error: { code: 'command.id_conflict' } } })
      expect(await host('new').output(['cat', '/tmp/once'])).toBe('once')
      await host('new').exec(['rm', '/tmp/once'])
    })

    it('a program that asks for a terminal gets one, with its input', async () => {
      const [command] = await api.run({
        hosts: ['current'],
        program: 'sh',
        args: ['-c', 'test -t 0 && stty size && read line && echo "got $line"'],
        tty: true,
        columns: 100,
        rows: 40,
      })
      const id = command?.id ?? ''
      await api.until(id, (seen) => seen.state === 'running' && seen.outputBytes > 0)
      await api.call('writeInput', {
        params: { id },
        body: {
          offset: 0,
          data: Buffer.from('hello\r').toString('base64'),
        },
      })
      expect(await api.ended(id)).toMatchObject({ state: 'success' })
      expect(await api.text(id)).toBe('40 100\r\nhello\r\ngot hello\r\n')
    })

    it('a removed host has nothing of ours running', async () => {
      const answers = await Promise.all(
        names.map((name) => api.call('removeHost', { params: { host: name } })),
      )
      for (const { commandId } of answers)
        expect((await api.ended(commandId ?? '')).state, await api.text(commandId ?? '')).toBe('success')
      expect(await api.call('listHosts')).toEqual({ hosts: [] })
      for (const removed of names.map(host)) {
        expect(
          (
            await removed.exec([
              'sh',
              '-c',
              'ls -d /opt/rollcall* /etc/rollcall* /var/lib/rollcall* /run/rollcall* /root/.rollcall* /home/*/.rollcall* 2>/dev/null',
            ])
          ).stdout,
        ).toBe('')
        expect(
          (await removed.exec(['systemctl', 'list-units', '--all', '--no-legend', 'rollcall*'])).stdout,
        ).toBe('')
        expect((await removed.exec(['pgrep', '-f', 'rollcall'])).stdout).toBe('')
      }
    })
  })
})
