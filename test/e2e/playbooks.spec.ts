import type { PlaybookRunView, RunAccepted } from '@rollcall/contracts/admin'
import type { CallInput } from '@rollcall/contracts/client'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { DebianMirror } from '../bed/debian-mirror.ts'
import { type Host, whyNoBed } from '../bed/index.ts'
import { poll } from '../bed/poll.ts'
import type { Api } from '../fleet/api.ts'
import { Fleet } from '../fleet/fleet.ts'
import type { ServerProcess } from '../fleet/server-process.ts'
import { addOwnPlaybooks } from './own-playbooks.ts'
import { CADDY, MAKE_TINY, MAKE_XRAY_IMAGE, XRAY, XRAY_IN_CONTAINER } from './stand-ins.ts'

const noBed = await whyNoBed()

const SECRET = 'a-secret-of-the-operator'
// Processes and files of a playbook that runs; the brackets keep the search from finding itself.
const LOOK_FOR_RUNS =
  'pgrep --full "[p]laybooks/host"; ls -d /run/rollcall-playbook-* /var/tmp/rollcall-playbook-*'
/** Each character means something to systemd, to a shell or to a template. */
const ODD_WORD = `\\r\\n "a" 'b' $HOME \${HOME} %n %% \r\n;\\`
const OVER_SSH = { via: 'ssh' } as const
const xray = (port: number) => ({
  xray_program: XRAY.path,
  xray_program_sha256: XRAY.sha256,
  xray_verify_port: port,
  xray_content: { inbounds: [{ port, settings: { password: SECRET } }] },
})
const caddy = (answer: string) => ({
  caddy_program: CADDY.path,
  caddy_program_sha256: CADDY.sha256,
  caddy_verify_port: 4712,
  caddy_caddyfile: `:4712 {\n  respond "${answer}"\n}`,
})

/** A host of the bed is an overlay, on which Docker's usual storage cannot lie. */
const DOCKER_ALONE = `mkdir /etc/docker
echo '{"storage-driver": "vfs"}' > /etc/docker/daemon.json
apt-get -q update
DEBIAN_FRONTEND=noninteractive apt-get install -qy --no-install-recommends docker.io
mv /usr/bin/podman /usr/bin/podman.away`

const CADDY_GONE = { variables: { caddy_state: 'absent' } }
const LOOK_FOR_CADDY =
  'ls -d /etc/rollcall-caddy /opt/rollcall-caddy /var/lib/rollcall-caddy /etc/systemd/system/*caddy* /etc/systemd/system/*/*caddy*; getent passwd rollcall-caddy'

describe.skipIf(noBed)(`a playbook ${noBed ?? ''}`, () => {
  let fleet: Fleet
  let host: Host
  let server: ServerProcess
  let api: Api

  beforeAll(async () => {
    fleet = await Fleet.open('playbooks', [{ name: 'target', flavour: 'podman' }])
    ;({ server, api } = fleet)
    ;[host] = fleet.hosts as [Host]
    for (const { path, text } of [XRAY, CADDY])
      await host.output(['sh', '-c', 'cat > "$1"', 'sh', path], { input: text })
  })
  afterAll(() => fleet?.[Symbol.asyncDispose]())

  /** Begins it and waits for its end. */
  async function ended(
    request: () => Promise<RunAccepted>,
  ): Promise<PlaybookRunView['hosts'][number] & { runId: string }> {
    const { runId, commands } = await request()
    await api.ended(commands[0]?.id ?? '', 300_000)
    const { hosts } = await api.call('showPlaybookRun', { params: { id: runId } })
    return { ...(hosts[0] as PlaybookRunView['hosts'][number]), runId }
  }
  const run = (playbook: string, body: CallInput<'runPlaybook'>['body']) =>
    ended(() => api.call('runPlaybook', { params: { playbook }, body: { hosts: ['target'], ...body } }))
  const apply = (id: string) => ended(() => api.call('applyPlan', { params: { id } }))
  const tasks = async (commandId: string) =>
    (await api.call('showPlaybookTasks', { params: { id: commandId } })).tasks

  it('a playbook that deploys converges, changes nothing the second time, and shows no secret', async () => {
    const first = await run('deploy_xray', { variables: xray(4711), diff: true })
    expect(first, await api.text(first.commandId)).toMatchObject({ state: 'success', totals: { failed: 0 } })
    const second = await run('deploy_xray', { variables: xray(4711), ...OVER_SSH })
    expect(second, JSON.stringify(await tasks(second.commandId))).toMatchObject({
      state: 'success',
      way: 'ssh',
      totals: { changed: 0, failed: 0 },
    })
    expect(await api.text(first.commandId)).not.toContain(SECRET)
    expect(
      (await tasks(first.commandId)).some(
        ({ status, diff }) => status === 'changed' && diff.includes('+ExecStart'),
      ),
    ).toBe(true)
    const left = ['/run', '/tmp', '/var/lib/rollcall-agent', '/root', '/opt/rollcall-tools']
    expect((await host.exec(['grep', '-rlF', '--exclude-dir=rollcall-xray', SECRET, ...left])).stdout).toBe(
      '',
    )
  })

  it('a playbook that checks succeeds, and names the task that fails', async () => {
    const check = (name: string, way: object) =>
      run('check_service', { variables: { check_service_name: name, check_service_ports: [4711] }, ...way })
    const through = [await check('rollcall-xray', { via: 'agent' }), await check('rollcall-xray', OVER_SSH)]
    expect(through.map(({ way }) => way)).toEqual(['agent', 'ssh'])
    expect(through[1]).toMatchObject({
      state: 'success',
      totals: through[0]?.totals,
      digest: through[0]?.digest,
    })
    const failed = await check('no-such-unit', OVER_SSH)
    expect(failed).toMatchObject({ state: 'failed', totals: { failed: 1 } })
    expect(failed.reason).toContain('Task "check_service : Check that the unit is active" failed')
  })

  it('a plan changes nothing, is applied as planned, and is refused if the host changed since', async () => {
    const unit = '/etc/systemd/system/rollcall-xray.service'
    const before = await host.output(['cat', unit])
    await host.output(['sed', '-i', 's/^RestartSec=2/RestartSec=9/', unit])
    const plan = await run('deploy_xray', { mode: 'plan', variables: xray(4711) })
    expect(plan, await api.text(plan.commandId)).toMatchObject({ state: 'success', totals: { changed: 1 } })
    expect(await host.output(['cat', unit])).toContain('RestartSec=9')
    const overSsh = await run('deploy_xray', { mode: 'plan', variables: xray(4711), ...OVER_SSH })
    expect(overSsh).toMatchObject({ way: 'ssh', digest: plan.digest, totals: plan.totals })
    await host.output(['sed', '-i', 's/^RestartSec=9/RestartSec=7/', unit])
    const refused = await apply(plan.runId)
    expect(refused).toMatchObject({ state: 'failed', reason: expect.stringContaining('nothing was changed') })
    expect(await host.output(['cat', unit])).toContain('RestartSec=7')
    await host.output(['sed', '-i', 's/^RestartSec=7/RestartSec=9/', unit])
    const applied = await apply(plan.runId)
    expect(applied, await api.text(applied.commandId)).toMatchObject({ state: 'success' })
    expect(await host.output(['cat', unit])).toBe(before)
  })

  it('a playbook with a wrong variable touches no host', async () => {
    const body = { hosts: ['target'], variables: { xray_port: 1 } }
    const { status } = await api.request('POST', '/api/playbooks/deploy_xray/run', body)
    expect(status).toBe(400)
  })

  it('a playbook that removes leaves nothing, and has nothing to do the second time', async () => {
    const gone = { variables: { xray_state: 'absent' } }
    expect(await run('deploy_xray', { ...gone, ...OVER_SSH })).toMatchObject({ state: 'success', way: 'ssh' })
    const search =
      'ls -d /etc/rollcall-xray /opt/rollcall-xray /etc/systemd/system/*xray* /etc/systemd/system/*/*xray*'
    expect((await host.exec(['sh', '-c', search])).stdout).toBe('')
    expect(await run('deploy_xray', gone)).toMatchObject({ state: 'success', totals: { changed: 0 } })
  })

  it('a playbook of a user is applied in the version that was planned', async () => {
    const path = '/api/playbooks/mysite%2Fgreet/run'
    const request = { hosts: ['target'], variables: { greeting_name: 'Ada' } }
    const greeting = () => host.output(['cat', '/etc/greeting'])
    const first = await addOwnPlaybooks(server, 'Hello')
    expect((await api.request('POST', path, { ...request, variables: {} })).status).toBe(400)
    const plan = await run('mysite/greet', { ...request, mode: 'plan' })
    expect(plan, await api.text(plan.commandId)).toMatchObject({ state: 'success', totals: { changed: 1 } })
    const second = await addOwnPlaybooks(server, 'Welcome')
    const applied = await apply(plan.runId)
    expect(applied, await api.text(applied.commandId)).toMatchObject({ state: 'success' })
    expect(await greeting()).toBe('Hello Ada')
    expect(await run('mysite/greet', request)).toMatchObject({ state: 'success', totals: { changed: 1 } })
    expect(await greeting()).toBe('Welcome Ada')
    const there = (await host.output(['ls', '/opt/rollcall-tools/collections/mysite'])).split('\n')
    expect(there.filter(Boolean).sort()).toEqual([first, second, 'current'].sort())
  })

  it('a playbook of a user reaches the host over SSH as through its agent, also where it was damaged', async () => {
    const request = { hosts: ['target'], variables: { greeting_name: 'Grace' } }
    const version = await addOwnPlaybooks(server, 'Good day')
    const over = await run('mysite/greet', { ...request, ...OVER_SSH })
    expect(over, await api.text(over.commandId)).toMatchObject({ state: 'success', totals: { changed: 1 } })
    expect(await host.output(['cat', '/etc/greeting'])).toBe('Good day Grace')
    expect(await run('mysite/greet', { ...request, via: 'agent' })).toMatchObject({
      state: 'success',
      totals: { changed: 0 },
    })
    const own = `/opt/rollcall-tools/collections/mysite/${version}`
    await host.exec(['rm', '-r', `${own}/roles/greeting/tasks`])
    const again = await run('mysite/greet', { ...request, ...OVER_SSH, mode: 'plan' })
    expect(again, await api.text(again.commandId)).toMatchObject({ state: 'success', totals: { changed: 0 } })
    expect(await host.output(['cat', `${own}/roles/greeting/tasks/main.yml`])).toContain('name: Greet')
  })

  it('a playbook that deploys a container loads only the named archive, converges, and is removed', async () => {
    const [checksum] = (await host.output(['sh', '-ec', MAKE_TINY])).split(' ')
    const container = {
      container_name: 'web',
      container_image: 'localhost/tiny:latest',
      container_archive: '/var/tmp/tiny.tar',
      container_command: ['/bin/sh', '-c', 'exec sleep 1000', ODD_WORD],
      container_environment: { TOKEN: SECRET },
    }
    const deploy = (sum: string, way = {}) =>
      run('deploy_container', { variables: { ...container, container_archive_sha256: sum }, ...way })
    const refused = await deploy('0'.repeat(64))
    expect(refused).toMatchObject({ state: 'failed', reason: expect.stringContaining('Upload it again') })
    const first = await deploy(checksum ?? '')
    expect(first, await api.text(first.commandId)).toMatchObject({ state: 'success' })
    const argv = await host.output(['podman', 'inspect', '--format', '{{json .Config.Cmd}}', 'web'])
    expect(JSON.parse(argv)).toEqual(container.container_command)
    const second = await deploy(checksum ?? '', OVER_SSH)
    expect(second).toMatchObject({ state: 'success', way: 'ssh', totals: { changed: 0 } })
    const check = await run('check_service', { variables: { check_service_name: 'rollcall-web' } })
    expect(check).toMatchObject({ state: 'success' })
    const gone = { variables: { container_name: 'web', container_state: 'absent' } }
    expect(await run('deploy_container', { ...gone, ...OVER_SSH })).toMatchObject({
      state: 'success',
      way: 'ssh',
    })
    expect(await host.output(['podman', 'ps', '--all', '--quiet'])).toBe('')
    const search =
      'ls -d /etc/rollcall-containers /etc/systemd/system/rollcall-web* /etc/systemd/system/*/rollcall-web*'
    expect((await host.exec(['sh', '-c', search])).stdout).toBe('')
    expect(await run('deploy_container', gone)).toMatchObject({ state: 'success', totals: { changed: 0 } })
  })

  it('a playbook deploys Caddy without a mirror, refuses a wrong Caddyfile, and reloads a right one without downtime', async () => {
    const deploy = (answer: string, way = {}) => run('deploy_caddy', { variables: caddy(answer), ...way })
    const first = await deploy('one')
    expect(first, await api.text(first.commandId)).toMatchObject({
      state: 'success',
      totals: { failed: 0, rescued: 1 },
    })
    const says = () => host.output(['bash', '-c', 'cat < /dev/tcp/127.0.0.1/4712'])
    const pid = () => host.output(['systemctl', 'show', '--property=MainPID', 'rollcall-caddy.service'])
    expect(await says()).toBe('one')
    const second = await deploy('one', OVER_SSH)
    expect(second).toMatchObject({ state: 'success', way: 'ssh', totals: { changed: 0, rescued: 0 } })
    const before = await pid()
    expect(await deploy('two', OVER_SSH)).toMatchObject({ state: 'success', totals: { changed: 2 } })
    expect(await says()).toBe('two')
    const refused = await deploy('x"\n  y')
    expect(refused).toMatchObject({ state: 'failed', reason: expect.stringContaining('not understood') })
    expect([await says(), await pid()]).toEqual(['two', before])
    expect(await run('deploy_caddy', CADDY_GONE)).toMatchObject({ state: 'success' })
    expect((await host.exec(['sh', '-c', LOOK_FOR_CADDY])).stdout).toBe('')
  })

  it('a playbook deploys the Caddy of Debian where a mirror answers, and removes it too', async () => {
    await using mirror = await DebianMirror.open(fleet.bed)
    await mirror.tell(host)
    const deploy = (answer: string, way = {}) =>
      run('deploy_caddy', {
        variables: { caddy_verify_port: 4712, caddy_caddyfile: `:4712 {\n  respond "${answer}"\n}` },
        ...way,
      })
    const first = await deploy('one')
    expect(first, await api.text(first.commandId)).toMatchObject({ state: 'success', totals: { rescued: 0 } })
    const ask =
      "exec 3<> /dev/tcp/127.0.0.1/4712; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; tail --lines 1 <&3"
    const says = () => host.output(['bash', '-c', ask])
    expect(await says()).toBe('one')
    expect(await deploy('one', OVER_SSH)).toMatchObject({
      state: 'success',
      way: 'ssh',
      totals: { changed: 0, rescued: 0 },
    })
    expect(await deploy('two', OVER_SSH)).toMatchObject({ state: 'success' })
    expect(await says()).toBe('two')
    expect((await host.exec(['systemctl', 'is-active', 'caddy.service'])).stdout.trim()).toBe('inactive')
    expect(await deploy('x"\n  y')).toMatchObject({ state: 'failed' })
    expect(await says()).toBe('two')
    expect(await run('deploy_caddy', CADDY_GONE)).toMatchObject({ state: 'success' })
    expect((await host.exec(['sh', '-c', `${LOOK_FOR_CADDY}; ls /usr/bin/caddy`])).stdout).toBe('')
    expect(await run('deploy_caddy', CADDY_GONE)).toMatchObject({ state: 'success', totals: { changed: 0 } })
  })

  it('a playbook runs Xray in Docker, converges, takes a new configuration, and leaves nothing', async () => {
    const [checksum] = (
      await host.output(['sh', '-ec', MAKE_XRAY_IMAGE], { input: XRAY_IN_CONTAINER })
    ).split(' ')
    await using mirror = await DebianMirror.open(fleet.bed)
    await mirror.tell(host)
    await host.output(['sh', '-ec', DOCKER_ALONE], { timeoutMs: 300_000 })
    const variables = (port: number) => ({
      xray_docker_image: 'localhost/xray:latest',
      xray_docker_archive: '/var/tmp/xray.tar',
      xray_docker_archive_sha256: checksum ?? '',
      xray_docker_verify_port: 4713,
      xray_docker_command: ['/usr/bin/perl', '/xray.pl', 'run', '-config', '/etc/xray/config.json'],
      xray_docker_ports: [`4713:${port}`],
      xray_docker_content: { inbounds: [{ port, settings: { password: SECRET } }] },
    })
    const deploy = (port: number, way = {}) =>
      run('deploy_xray_docker', { variables: variables(port), ...way })
    const first = await deploy(80)
    expect(first, await api.text(first.commandId)).toMatchObject({ state: 'success', totals: { failed: 0 } })
    expect(await api.text(first.commandId)).not.toContain(SECRET)
    const second = await deploy(80, OVER_SSH)
    expect(second).toMatchObject({ state: 'success', way: 'ssh', totals: { changed: 0 } })
    const other = await deploy(81, OVER_SSH)
    expect(other, await api.text(other.commandId)).toMatchObject({ state: 'success' })
    const gone = { variables: { xray_docker_state: 'absent' } }
    expect(await run('deploy_xray_docker', gone)).toMatchObject({ state: 'success' })
    const search =
      'ls -d /etc/rollcall-xray* /etc/rollcall-containers /etc/systemd/system/*xray* /etc/systemd/system/*/*xray*; docker ps --all --quiet'
    expect((await host.exec(['sh', '-c', search])).stdout).toBe('')
    await host.output(['mv', '/usr/bin/podman.away', '/usr/bin/podman'])
  })

  it('a playbook that only writes a configuration is applied over one transport and removed over the other', async () => {
    const variables = { xray_config_content: { log: SECRET }, xray_config_path: '/etc/rollcall-x/x.json' }
    const first = await run('deploy_xray_config', { variables })
    expect(first).toMatchObject({ state: 'success', way: 'agent' })
    const second = await run('deploy_xray_config', { variables, ...OVER_SSH })
    expect(second).toMatchObject({ state: 'success', way: 'ssh', totals: { changed: 0 } })
    const gone = { variables: { ...variables, xray_config_state: 'absent' }, ...OVER_SSH }
    expect(await run('deploy_xray_config', gone)).toMatchObject({ state: 'success' })
    expect((await host.exec(['ls', '/etc/rollcall-x'])).stdout).toBe('')
  })

  it('a playbook over SSH ends on cancel, timeout or a lost connection, and leaves nothing on the host', async () => {
    const wait = { check_service_name: 'ssh', check_service_ports: [9], check_service_timeout: 300 }
    const begin = async (more: CallInput<'runPlaybook'>['body'] = {}) => {
      const { commands } = await api.call('runPlaybook', {
        params: { playbook: 'check_service' },
        body: { hosts: ['target'], variables: wait, ...OVER_SSH, ...more },
      })
      return commands[0]?.id ?? ''
    }
    const begun = async () => {
      const id = await begin()
      const isWaiting = async () => (await api.text(id)).includes('Wait until each port takes connections')
      await poll(isWaiting, { timeoutMs: 120_000, everyMs: 200, what: 'the playbook to wait for a port' })
      return id
    }
    const nothingIsLeft = () =>
      poll(async () => (await host.exec(['sh', '-c', LOOK_FOR_RUNS])).stdout === '', {
        timeoutMs: 60_000,
        everyMs: 200,
        what: 'the host to end the playbook',
      })
    // Told to end before it has begun: nothing of it may go on then.
    const job = { playbook: 'check_service.yml', extra_vars: wait, nonce: 'n'.repeat(22), timeout: null }
    const input = `${JSON.stringify({ ...job, check: false, diff: false, expected_digest: null })}\n`
    const program = '/opt/rollcall-tools/current/playbooks/host/run_playbook.py'
    const { exitCode } = await host.exec(['python3', program, '-', '--while-stdin'], { input })
    expect(exitCode).toBeGreaterThan(0)
    await nothingIsLeft()
    const cancelled = await begun()
    await api.call('cancelCommand', { params: { id: cancelled } })
    expect(await api.ended(cancelled)).toMatchObject({ state: 'cancelled' })
    await nothingIsLeft()
    expect(await api.ended(await begin({ timeoutMs: 3000 }))).toMatchObject({ state: 'timed_out' })
    await nothingIsLeft()
    const lost = await begun()
    await host.output(['sh', '-ec', 'kill $(pgrep --full "^sshd: root@notty")'])
    expect(await api.ended(lost)).toMatchObject({ state: 'lost', reasonCode: 'ssh.connection_lost' })
    await nothingIsLeft()
  })

  it('a playbook goes over SSH automatically if the agent does not answer', async () => {
    await host.output(['systemctl', 'stop', 'rollcall-agent.service'])
    const check = await run('check_service', { variables: { check_service_name: 'ssh' } })
    expect(check, await api.text(check.commandId)).toMatchObject({ state: 'success', way: 'ssh' })
  })
})
