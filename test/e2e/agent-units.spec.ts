import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { cpSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { addTo, ended, followLog } from '../../agent/test/fixtures/agent-host.ts'
import { makeIdentity } from '../../agent/test/fixtures/certificate.ts'
import { RpcClient, type Target } from '../../agent/test/fixtures/rpc-client.ts'
import { Bed, type Flavour, type Host, whyNoBed } from '../bed/index.ts'
import { HEALTHY, InstanceFollower, killInstance, removeWarden, startWarden } from './warden-on-host.ts'

const here = (path: string) => fileURLToPath(new URL(path, import.meta.url))
const UNITS = here('../../playbooks/roles/rollcall_agent/files/')
const DIST = here('../../agent/dist/')
const reason = await whyNoBed()
const archive = readdirSync(DIST).find((name) => name.endsWith(`linux-${process.arch}.tar.gz`))
const missing = reason ?? (archive === undefined ? 'needs the archive: node scripts/build-agent.mjs' : null)

/** Installs the files of the agent like the install playbook. */
async function install(host: Host, target: Target): Promise<void> {
  const release = join(host.root, 'opt/rollcall-agent/releases/test')
  mkdirSync(release, { recursive: true })
  execFileSync('tar', ['-xzf', join(DIST, archive ?? ''), '-C', release])
  symlinkSync('releases/test', join(host.root, 'opt/rollcall-agent/current'))
  const etc = join(host.root, 'etc/rollcall-agent')
  mkdirSync(join(etc, 'ssl'), { recursive: true })
  const identity = makeIdentity('agent')
  const config = {
    agent_token: target.token,
    secret_key: randomUUID().repeat(2).replaceAll('-', ''),
    rpc_port: target.port,
    rpc_path: target.path,
    server_pins: [target.server.pin],
  }
  writeFileSync(join(etc, 'config.json'), JSON.stringify(config), { mode: 0o600 })
  writeFileSync(join(etc, 'ssl/agent.crt'), identity.certificate, { mode: 0o600 })
  writeFileSync(join(etc, 'ssl/agent.key'), identity.privateKey, { mode: 0o600 })
  const units = readdirSync(UNITS).filter((name) => /^rollcall-.*\.(service|socket)$/.test(name))
  for (const unit of units) cpSync(join(UNITS, unit), join(host.root, 'etc/systemd/system', unit))
  await host.output(['systemctl', 'daemon-reload'])
  await host.output(['systemctl', 'enable', '--now', 'rollcall-runner.socket', 'rollcall-agent.service'])
}

/** The most memory that a warden may keep resident, in MB. */
const MAX_WARDEN_MB = 14
const flavours: Flavour[] = ['bullseye', 'bookworm', 'trixie']

describe.skipIf(missing !== null)(`on real hosts${missing === null ? '' : ` (skipped: ${missing})`}`, () => {
  let bed: Bed
  const hosts = new Map<Flavour, { host: Host; client: RpcClient }>()
  const on = (flavour: Flavour) => {
    const entry = hosts.get(flavour)
    if (entry === undefined) throw new Error(`no ${flavour}`)
    return entry
  }

  beforeAll(async () => {
    bed = await Bed.open({ name: 'agent' })
    const booted = await bed.boot(flavours.map((flavour) => ({ name: flavour, flavour })))
    for (const host of booted) {
      const server = makeIdentity('server')
      const target = {
        port: 8443,
        path: 'a'.repeat(20),
        token: 'b'.repeat(43),
        server,
        address: host.address,
      }
      await install(host, target)
      hosts.set(host.flavour, { host, client: new RpcClient(target) })
    }
  }, 180_000)
  afterAll(async () => {
    for (const { client } of hosts.values()) client.close()
    await bed?.close()
  }, 60_000)

  describe.each(flavours)('%s', (flavour) => {
    const run = async (script: string, more = {}) => {
      const { client } = on(flavour)
      const command_id = randomUUID()
      await client.call('execute_command', {
        command_id,
        command: 'sh',
        args: ['-c', script],
        timeout: 60,
        ...more,
      })
      return ended(await followLog(client, command_id))
    }
    const journal = () =>
      on(flavour).host.output(['journalctl', '-u', 'rollcall-agent', '-u', 'rollcall-runner', '-o', 'cat'])

    test('the agent answers under its hardened unit and reports the host’s status', async () => {
      const { client, host } = on(flavour)
      await expect
        .poll(() => host.exec(['systemctl', 'is-active', 'rollcall-agent']).then((o) => o.stdout.trim()))
        .toBe('active')
      await expect.poll(() => client.call('health_check', {}).then((a) => a.status, String)).toBe('ok')
      const status = await client.call('get_status', {})
      expect(status.os.id).toBe('debian')
      expect(status.disks.some((disk) => disk.mount === '/')).toBe(true)
      expect(status.open_ports?.map((open) => open.port)).toEqual(expect.arrayContaining([22, 8443]))
      expect(await journal()).not.toMatch(/Unknown (key|lvalue)(?!.*(NoExecPaths|ExecPaths|OOMPolicy))/)
    })

    test('a program runs as root with ordinary priorities and rights, also on a terminal', async () => {
      const script =
        'id -u; nice; cat /proc/self/oom_score_adj; touch /root/x && echo wrote; test -t 0 && echo tty'
      expect((await run(script)).stdout).toBe('0\n0\n0\nwrote\n')
      expect((await run(script, { tty: true })).stdout).toBe('0\r\n0\r\n0\r\nwrote\r\ntty\r\n')
    })

    test('a command survives a restart of the agent', async () => {
      const { client, host } = on(flavour)
      const command_id = randomUUID()
      const args = ['-c', 'for i in $(seq 40); do echo $i; sleep 0.05; done; exit 6']
      await client.call('execute_command', { command_id, command: 'sh', args, timeout: 60 })
      const followed = { runs: [], offset: 0, result: null, calls: 0 }
      addTo(followed, await client.call('get_command_log', { command_id, offset: 0, wait_ms: 3000 }))
      await host.output(['systemctl', 'restart', 'rollcall-agent'])
      await expect.poll(() => client.call('health_check', {}).then((a) => a.status, String)).toBe('ok')
      const { stdout, result } = ended(await followLog(client, command_id, followed))
      expect(stdout).toBe(Array.from({ length: 40 }, (_, i) => `${i + 1}\n`).join(''))
      expect(result.return_code).toBe(6)
    })

    test('a killed runner is restarted and records its commands as lost', async () => {
      const { client, host } = on(flavour)
      const command_id = randomUUID()
      await client.call('execute_command', { command_id, command: 'sleep', args: ['50'], timeout: 60 })
      await expect.poll(() => host.exec(['pgrep', '-x', 'sleep']).then((o) => o.exitCode)).toBe(0)
      await host.output(['systemctl', 'kill', '-s', 'KILL', '--kill-who=main', 'rollcall-runner'])
      expect(ended(await followLog(client, command_id)).result).toMatchObject({
        status: 'lost',
        reason: 'command.runner_died',
      })
      expect((await host.exec(['pgrep', '-x', 'sleep'])).exitCode).toBe(1)
    })

    test('the kernel refuses the agent every kind of outgoing connection', async () => {
      const { host } = on(flavour)
      const program = `
        const net = require('net'), dgram = require('dgram')
        net.connect(22, '127.0.0.1').on('connect', () => console.log('tcp out')).on('error', (e) => console.log('tcp', e.code))
        const socket = dgram.createSocket('udp4')
        socket.on('error', (e) => console.log('udp', e.code))
        socket.send('x', 9, '127.0.0.1', (e) => { console.log('udp', e ? e.code : 'out'); socket.close() })`
      writeFileSync(join(host.root, 'opt/rollcall-agent/dial.cjs'), program)
      const text = readFileSync(join(UNITS, 'rollcall-agent.service'), 'utf8')
      const dialing = text
        .replace('/opt/rollcall-agent/current/agent.mjs', '/opt/rollcall-agent/dial.cjs')
        .replace('Restart=always', 'Restart=no')
      writeFileSync(join(host.root, 'etc/systemd/system/dial.service'), dialing)
      await host.output(['systemctl', 'daemon-reload'])
      await host.output(['systemctl', 'start', 'dial.service'])
      const said = () => host.output(['journalctl', '-u', 'dial', '-o', 'cat'])
      await expect.poll(said).toMatch(/tcp EPERM[\s\S]*udp EPERM|udp EPERM[\s\S]*tcp EPERM/)
    })

    test('the warden’s report reaches a server through the agent: healthy, failed, recovering, and healthy again', async () => {
      const { client, host } = on(flavour)
      const follower = new InstanceFollower(client)
      expect((await follower.next()).report?.instances).toEqual([])
      await startWarden(host)
      await follower.until('a healthy instance', (instance) => instance?.health === 'success')
      await host.output(['rm', HEALTHY])
      const ill = await follower.until(
        'both failures',
        (instance) => instance?.checks.filter(({ state }) => state === 'failed').length === 2,
      )
      expect(ill?.reason).toContain('web: GET /up answered 503')
      expect(ill?.checks.map(({ kind, state }) => [kind, state])).toEqual([
        ['http', 'failed'],
        ['tcp', 'success'],
        ['process', 'success'],
        ['command', 'failed'],
        ['resources', 'success'],
      ])
      await host.output(['touch', HEALTHY])
      await follower.until('a healthy instance', (instance) => instance?.health === 'success')
      expect(follower.healths.slice(-3)).toEqual(['failed', 'recovering', 'success'])
    }, 120_000)

    test('a killed instance and a killed warden are both seen by a server, and end with a healthy instance', async () => {
      const { client, host } = on(flavour)
      const follower = new InstanceFollower(client)
      await killInstance(host)
      const back = await follower.until(
        'a restart',
        (instance) => (instance?.containers[0]?.restarts ?? 0) > 0,
      )
      expect(back?.health).not.toBe('success')
      await follower.until('a healthy instance', (instance) => instance?.health === 'success')
      const before = follower.healths.length
      await host.output(['systemctl', 'kill', '--signal=KILL', '--kill-who=main', 'rollcall-warden'])
      await follower.until('the new warden', (instance) => instance?.health === 'success')
      expect(follower.healths).toHaveLength(before)
      const rss = 'cat /proc/$(systemctl show --property=MainPID --value rollcall-warden)/status'
      const status = await host.output(['sh', '-c', rss])
      expect(Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024).toBeLessThan(MAX_WARDEN_MB)
      await removeWarden(host)
      await follower.until('no instance', (instance) => instance === undefined)
      expect((await host.exec(['ls', '/run/rollcall-warden'])).exitCode).not.toBe(0)
    }, 120_000)

    test('an invalid config stops the agent permanently, with the reason in the journal', async () => {
      const { host, client } = on(flavour)
      const path = join(host.root, 'etc/rollcall-agent/config.json')
      const right = readFileSync(path, 'utf8')
      writeFileSync(path, right.replace('8443', '0'))
      await host.exec(['systemctl', 'restart', 'rollcall-agent'])
      const result = () =>
        host.output(['systemctl', 'show', '-p', 'ActiveState,ExecMainStatus', 'rollcall-agent'])
      await expect.poll(result).toMatch(/ActiveState=failed[\s\S]*=78|=78[\s\S]*ActiveState=failed/)
      expect(await journal()).toContain('/etc/rollcall-agent/config.json: rpc_port')
      writeFileSync(path, right)
      await host.output(['systemctl', 'restart', 'rollcall-agent'])
      await expect.poll(() => client.call('health_check', {}).then((a) => a.status, String)).toBe('ok')
    })

    test('systemd rates the exposure of the unit as safe', async () => {
      const { host } = on(flavour)
      const text = await host.output(['systemd-analyze', 'security', '--no-pager', 'rollcall-agent.service'])
      const exposure = Number(/exposure level for rollcall-agent.service: ([\d.]+)/.exec(text)?.[1])
      console.log(flavour, exposure)
      expect(exposure).toBeLessThan(2.5)
    })
  })
})
