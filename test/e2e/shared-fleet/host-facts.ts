import type { AgentResult, Container } from '@rollcall/contracts/agent'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { Host } from '../../bed/index.ts'
import { poll } from '../../bed/poll.ts'
import { AgentCaller } from '../../fleet/agent-caller.ts'
import { procOf, rootDiskOf, toContainers, toOpenPorts } from '../../fleet/host-probes.ts'

type Status = AgentResult<'get_status'>

// An image of the host's own shell and sleep, with the libraries that they need.
const MAKE_IMAGE = `tar --create --dereference --absolute-names /bin/sh /bin/sleep $(
  ldd /bin/sh /bin/sleep | grep --only-matching '/[^ :]* ' | sort --unique) | podman import --quiet - tiny`

const LISTENERS = `
import socket, time
tcp4 = socket.create_server(('127.0.0.7', 8123))
tcp6 = socket.create_server(('::', 8124), family=socket.AF_INET6)
udp4 = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); udp4.bind(('0.0.0.0', 8125))
udp6 = socket.socket(socket.AF_INET6, socket.SOCK_DGRAM); udp6.bind(('::1', 8126))
connected = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); connected.connect(('127.0.0.1', 9))
accepted = socket.create_connection(('127.0.0.7', 8123))
time.sleep(600)`
const LISTENED = ['tcp 127.0.0.7 8123', 'tcp :: 8124', 'udp 0.0.0.0 8125', 'udp ::1 8126']

// It forgets TERM, as a podman does that waits for a lock.
const HUNG_PATH = '/usr/local/bin/podman'
const HUNG_PODMAN = "trap '' TERM; while :; do sleep 1; done"

interface Cast {
  /** Has podman. */
  host: () => Host
  /** Has no container engine, and has run no command yet. */
  bare: () => Host
}

/** Statuses of agents, compared with the own tools of their hosts. */
export const hostFactsStories = (cast: Cast) =>
  describe('what an agent tells of its host', () => {
    let callers: AgentCaller[] = []
    let host: Host
    let bare: Host
    let agent: AgentCaller

    beforeAll(async () => {
      host = cast.host()
      bare = cast.bare()
      callers = await Promise.all([host, bare].map((one) => AgentCaller.of(one)))
      ;[agent] = callers as [AgentCaller]
    })
    afterAll(async () => {
      for (const caller of callers) caller.close()
      await host?.exec(['rm', '--force', HUNG_PATH])
    })

    const status = () => agent.call('get_status', {})
    const shell = (script: string) => host.output(['sh', '-ec', script])
    /** Asks as a server does, again and again, until the agent tells what was seen at `sinceMs` or later. */
    const lookedAt = (sinceMs: number) =>
      poll(
        async () => {
          const seen = await status()
          return (seen.container_engines[0]?.observed_at_ms ?? 0) >= sinceMs && seen
        },
        { timeoutMs: 45_000, everyMs: 200, what: 'the containers to be looked at' },
      )

    it('an agent names the system as uname, os-release and the kernel do', async () => {
      const { hostname, kernel, architecture, cpu, boot_id, os } = await status()
      const reported = [
        hostname,
        kernel,
        architecture,
        cpu.cores,
        boot_id,
        `${os.id}/${os.version}/${os.name}`,
      ]
      const uname = 'uname --nodename; uname --kernel-release; uname --machine; nproc'
      const files =
        'cat /proc/sys/kernel/random/boot_id; . /etc/os-release; echo "$ID/$VERSION_ID/$PRETTY_NAME"'
      expect(reported.join('\n')).toBe(await shell(`${uname}; ${files}`))
    })

    it('an agent reports the memory, load, uptime and clock of its host', async () => {
      // The load is counted anew every five seconds: asked until it was the same before and after.
      const [before, seen, after] = await poll(
        async () => {
          const triple = [await procOf(host), await status(), await procOf(host)] as const
          return triple[0].load.join() === triple[2].load.join() && triple
        },
        { timeoutMs: 30_000, what: 'the load to stay the same for a moment' },
      )
      expect(seen.memory).toMatchObject(before.memory)
      expect(seen.load).toEqual(before.load)
      expectBetween(seen.uptime_s, before.uptimeS, after.uptimeS)
      expectBetween(seen.clock.time_ms, before.timeMs, after.timeMs)
      const slack = 0.03 * before.memory.total_bytes
      expectBetween(seen.memory.available_bytes, before.availableBytes, after.availableBytes, slack)
    })

    it('an agent reports the disk as df does', async () => {
      const before = await rootDiskOf(host)
      const disk = (await status()).disks.find(({ mount }) => mount === '/')
      const after = await rootDiskOf(host)
      expect(disk).toMatchObject({ filesystem: before.filesystem, total_bytes: before.totalBytes })
      const slack = 0.01 * before.totalBytes
      expectBetween(disk?.available_bytes ?? 0, before.availableBytes, after.availableBytes, slack)
    })

    it('an agent reports the open ports as ss does, and none that is connected or closed', async () => {
      const reported = async () =>
        (await status()).open_ports?.map((open) => `${open.protocol} ${open.address} ${open.port}`).sort()
      await host.output(['systemd-run', '--quiet', '--unit=listeners', 'python3', '-c', LISTENERS])
      const isListening = async () => {
        const ports = await toOpenPorts(host)
        return LISTENED.every((port) => ports.includes(port))
      }
      await poll(isListening, { timeoutMs: 10_000, what: 'the listeners to listen' })
      expect(await reported()).toEqual(await toOpenPorts(host))
      expect(await reported()).toEqual(expect.arrayContaining(['tcp 0.0.0.0 22', ...LISTENED]))
      await host.output(['systemctl', 'stop', 'listeners'])
      expect(await reported()).toEqual(await toOpenPorts(host))
      expect(await reported()).not.toEqual(expect.arrayContaining([LISTENED[0]]))
    })

    it('an agent reports containers as podman ps does, and follows their changes', async () => {
      expect(await lookedAt(1)).toMatchObject({
        containers: [],
        container_engines: [{ total: 0, failure: null }],
      })
      await shell(MAKE_IMAGE)
      await shell(`podman run --detach --name web --publish 8080:80 --publish 127.0.0.1:7001-7003:7001-7003/udp tiny sleep 900
      podman run --name job tiny sh -c 'exit 3' || true
      podman create --name later tiny sleep 1`)
      await expectContainers(await lookedAt((await procOf(host)).timeMs))
      await host.output(['podman', 'stop', '--time=0', 'web'])
      // An agent that has just started asks at once, and does not wait for the next turn.
      await agent.restartAgent()
      const { containers } = await lookedAt((await procOf(host)).timeMs)
      expect(containers?.find(({ name }) => name === 'web')).toMatchObject({
        state: 'exited',
        exit_code: 137,
      })
    })

    it('an agent reports that podman hangs, ends it, and answers as fast as before', async () => {
      const before = (await status()).containers
      await host.output([
        'sh',
        '-ec',
        'printf "#!/bin/sh\n%s\n" "$2" > "$1"; chmod 755 "$1"',
        'sh',
        HUNG_PATH,
        HUNG_PODMAN,
      ])
      await agent.restartAgent()
      const times: number[] = []
      const failed = await poll(
        async () => {
          const started = performance.now()
          const seen = await status()
          times.push(performance.now() - started)
          return typeof seen.container_engines[0]?.failure === 'string' && seen
        },
        { timeoutMs: 30_000, everyMs: 100, what: 'the reason' },
      )
      expect(failed).toMatchObject({
        containers: before,
        container_engines: [{ name: 'podman', failure: 'podman gave no answer within 10 s and was ended.' }],
      })
      expect(Math.max(...times)).toBeLessThan(1000)
      expect((await host.exec(['pgrep', '--full', HUNG_PATH])).stdout).toBe('')
    })

    it('an agent on a host without an engine reports no containers, and starts no runner for it', async () => {
      for (let i = 0; i < 10; i++)
        expect(await callers[1]?.call('get_status', {})).toMatchObject({
          containers: [],
          container_engines: [],
        })
      expect((await bare.exec(['systemctl', 'is-active', 'rollcall-runner.service'])).stdout).toBe('inactive')
    })

    async function expectContainers({ containers }: Status): Promise<void> {
      const words = (await toContainers(host)).map(({ startedAtMs, exitCode, ...rest }) => ({
        ...rest,
        // podman ps knows seconds only.
        startedAtS: startedAtMs === null ? null : Math.floor(startedAtMs / 1000),
        exitCode: rest.state === 'exited' ? exitCode : null,
      }))
      expect(words.map(({ name, state }) => `${name} ${state}`)).toEqual([
        'job exited',
        'later created',
        'web running',
      ])
      const reported = containers?.map(({ id, name, image, state, ports, started_at_ms, exit_code }) => ({
        id,
        name,
        image,
        state,
        ports: ports.map(writtenByPodman),
        exitCode: exit_code,
        startedAtS: started_at_ms === null ? null : started_at_ms / 1000,
      }))
      expect(reported?.toSorted((a, b) => (a.name < b.name ? -1 : 1))).toEqual(words)
    }
  })

function writtenByPodman({
  host_address,
  host_port,
  container_port,
  count,
  protocol,
}: Container['ports'][number]) {
  const range = (first: number) => (count === 1 ? `${first}` : `${first}-${first + count - 1}`)
  return `${host_address}:${range(host_port)}->${range(container_port)}/${protocol}`
}

function expectBetween(value: number, one: number, other: number, slack = 0): void {
  expect(value).toBeGreaterThanOrEqual(Math.min(one, other) - slack)
  expect(value).toBeLessThanOrEqual(Math.max(one, other) + slack)
}
