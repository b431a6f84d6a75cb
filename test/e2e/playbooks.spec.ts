import type { PlaybookRunView, TaskResult } from '@rollcall/contracts/admin'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { Bed, type Host, whyNoBed } from '../bed/index.ts'
import type { Api } from '../fleet/api.ts'
import { keyCredential } from '../fleet/credentials.ts'
import { ServerProcess } from '../fleet/server-process.ts'
import { addOwnPlaybooks } from './own-playbooks.ts'
import { CADDY, MAKE_TINY, MAKE_XRAY_IMAGE, XRAY, XRAY_IN_CONTAINER } from './stand-ins.ts'

const noBed = await whyNoBed()

const SECRET = 'a-secret-of-the-operator'
const xray = (port: number) => ({
  ...{ xray_program: XRAY.path, xray_program_sha256: XRAY.sha256, xray_verify_port: port },
  xray_content: { inbounds: [{ port, settings: { password: SECRET } }] },
})
const caddy = (answer: string) => ({
  ...{ caddy_program: CADDY.path, caddy_program_sha256: CADDY.sha256, caddy_verify_port: 4712 },
  caddy_caddyfile: `:4712 {\n  respond "${answer}"\n}`,
})

describe.skipIf(noBed)(`a playbook ${noBed ?? ''}`, () => {
  let bed: Bed
  let host: Host
  let server: ServerProcess
  let api: Api

  beforeAll(async () => {
    bed = await Bed.open({ name: 'playbooks' })
    ;[host] = (await bed.boot([{ name: 'target', flavour: 'podman' }])) as [Host]
    server = await ServerProcess.start()
    api = await server.api()
    const installation = await api.addHost({
      ...{ name: 'target', address: host.address, credential: await keyCredential(bed) },
    })
    expect(installation.state, await api.text(installation.id)).toBe('success')
    for (const { path, text } of [XRAY, CADDY])
      await host.output(['sh', '-c', 'cat > "$1"', 'sh', path], { input: text })
  })
  afterAll(async () => {
    await server?.[Symbol.asyncDispose]()
    await bed?.close()
  })

  /** Begins it and waits for its end. */
  async function ended(
    path: string,
    body: object,
  ): Promise<PlaybookRunView['hosts'][number] & { runId: string }> {
    const { runId, commands } = await api.get<{ runId: string; commands: { id: string }[] }>(
      'POST',
      path,
      body,
    )
    await api.ended(commands[0]?.id ?? '', 300_000)
    const { hosts } = await api.get<PlaybookRunView>('GET', `/api/runs/${runId}/playbook`)
    return { ...(hosts[0] as PlaybookRunView['hosts'][number]), runId }
  }
  const run = (name: string, body: object) =>
    ended(`/api/playbooks/${name}/run`, { hosts: ['target'], ...body })
  const tasks = async (commandId: string) =>
    (await api.get<{ tasks: TaskResult[] }>('GET', `/api/commands/${commandId}/tasks`)).tasks

  it('that deploys converges, changes nothing the second time, and shows no secret', async () => {
    const first = await run('deploy_xray', { variables: xray(4711), diff: true })
    expect(first, await api.text(first.commandId)).toMatchObject({ state: 'success', totals: { failed: 0 } })
    const second = await run('deploy_xray', { variables: xray(4711) })
    expect(second, JSON.stringify(await tasks(second.commandId))).toMatchObject({
      state: 'success',
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

  it('that checks succeeds, and names the task that fails', async () => {
    const check = (name: string) =>
      run('check_service', { variables: { check_service_name: name, check_service_ports: [4711] } })
    expect(await check('rollcall-xray')).toMatchObject({ state: 'success', totals: { changed: 0 } })
    const failed = await check('no-such-unit')
    expect(failed).toMatchObject({ state: 'failed', totals: { failed: 1 } })
    expect(failed.reason).toContain('Task "check_service : The unit is active" failed')
  })

  it('that is planned changes nothing, is applied as planned, and is refused where the host has changed since', async () => {
    const unit = '/etc/systemd/system/rollcall-xray.service'
    const before = await host.output(['cat', unit])
    await host.output(['sed', '-i', 's/^RestartSec=2/RestartSec=9/', unit])
    const plan = await run('deploy_xray', { mode: 'plan', variables: xray(4711) })
    expect(plan, await api.text(plan.commandId)).toMatchObject({ state: 'success', totals: { changed: 1 } })
    expect(await host.output(['cat', unit])).toContain('RestartSec=9')
    await host.output(['sed', '-i', 's/^RestartSec=9/RestartSec=7/', unit])
    const refused = await ended(`/api/runs/${plan.runId}/apply`, {})
    expect(refused).toMatchObject({ state: 'failed', reason: expect.stringContaining('nothing was changed') })
    expect(await host.output(['cat', unit])).toContain('RestartSec=7')
    await host.output(['sed', '-i', 's/^RestartSec=7/RestartSec=9/', unit])
    const applied = await ended(`/api/runs/${plan.runId}/apply`, {})
    expect(applied, await api.text(applied.commandId)).toMatchObject({ state: 'success' })
    expect(await host.output(['cat', unit])).toBe(before)
  })

  it('with a wrong variable touches no host', async () => {
    const body = { hosts: ['target'], variables: { xray_port: 1 } }
    const { status } = await api.call('POST', '/api/playbooks/deploy_xray/run', body)
    expect(status).toBe(400)
  })

  it('that removes leaves nothing, and the second time has nothing to do', async () => {
    const gone = { variables: { xray_state: 'absent' } }
    expect(await run('deploy_xray', gone)).toMatchObject({ state: 'success' })
    const look =
      'ls -d /etc/rollcall-xray /opt/rollcall-xray /etc/systemd/system/*xray* /etc/systemd/system/*/*xray*'
    expect((await host.exec(['sh', '-c', look])).stdout).toBe('')
    expect(await run('deploy_xray', gone)).toMatchObject({ state: 'success', totals: { changed: 0 } })
  })

  it("of one's own is held to the version that was planned; another version runs from then on", async () => {
    const path = '/api/playbooks/mysite%2Fgreet/run'
    const order = { hosts: ['target'], variables: { greeting_name: 'Ada' } }
    const greeting = () => host.output(['cat', '/etc/greeting'])
    const first = await addOwnPlaybooks(server, 'Hello')
    expect((await api.call('POST', path, { ...order, variables: {} })).status).toBe(400)
    const plan = await ended(path, { ...order, mode: 'plan' })
    expect(plan, await api.text(plan.commandId)).toMatchObject({ state: 'success', totals: { changed: 1 } })
    const second = await addOwnPlaybooks(server, 'Welcome')
    const applied = await ended(`/api/runs/${plan.runId}/apply`, {})
    expect(applied, await api.text(applied.commandId)).toMatchObject({ state: 'success' })
    expect(await greeting()).toBe('Hello Ada')
    expect(await ended(path, order)).toMatchObject({ state: 'success', totals: { changed: 1 } })
    expect(await greeting()).toBe('Welcome Ada')
    const there = (await host.output(['ls', '/opt/rollcall-tools/collections/mysite'])).split('\n')
    expect(there.filter(Boolean).sort()).toEqual([first, second, 'current'].sort())
  })

  it('that deploys a container loads only the archive that it was told of, converges, and is removed', async () => {
    const [checksum] = (await host.output(['sh', '-ec', MAKE_TINY])).split(' ')
    const container = {
      ...{
        container_name: 'web',
        container_image: 'localhost/tiny:latest',
        container_archive: '/var/tmp/tiny.tar',
      },
      ...{ container_command: ['/bin/sleep', '1000'], container_environment: { TOKEN: SECRET } },
    }
    const deploy = (sum: string) =>
      run('deploy_container', { variables: { ...container, container_archive_sha256: sum } })
    const refused = await deploy('0'.repeat(64))
    expect(refused).toMatchObject({ state: 'failed', reason: expect.stringContaining('Upload it again') })
    const first = await deploy(checksum ?? '')
    expect(first, await api.text(first.commandId)).toMatchObject({ state: 'success' })
    expect(await deploy(checksum ?? '')).toMatchObject({ state: 'success', totals: { changed: 0 } })
    const check = await run('check_service', { variables: { check_service_name: 'rollcall-web' } })
    expect(check).toMatchObject({ state: 'success' })
    const gone = { variables: { container_name: 'web', container_state: 'absent' } }
    expect(await run('deploy_container', gone)).toMatchObject({ state: 'success' })
    expect(await host.output(['podman', 'ps', '--all', '--quiet'])).toBe('')
    const look =
      'ls -d /etc/rollcall-containers /etc/systemd/system/rollcall-web* /etc/systemd/system/*/rollcall-web*'
    expect((await host.exec(['sh', '-c', look])).stdout).toBe('')
    expect(await run('deploy_container', gone)).toMatchObject({ state: 'success', totals: { changed: 0 } })
  })

  it('that deploys Caddy takes the program where no mirror answers, keeps what runs from a wrong Caddyfile, and loads a right one without an end', async () => {
    const deploy = (answer: string) => run('deploy_caddy', { variables: caddy(answer) })
    const first = await deploy('one')
    expect(first, await api.text(first.commandId)).toMatchObject({
      ...{ state: 'success', totals: { failed: 0, rescued: 1 } },
    })
    const says = () => host.output(['bash', '-c', 'cat < /dev/tcp/127.0.0.1/4712'])
    const pid = () => host.output(['systemctl', 'show', '--property=MainPID', 'rollcall-caddy.service'])
    expect(await says()).toBe('one')
    expect(await deploy('one')).toMatchObject({ state: 'success', totals: { changed: 0, rescued: 0 } })
    const before = await pid()
    expect(await deploy('two')).toMatchObject({ state: 'success', totals: { changed: 2 } })
    expect(await says()).toBe('two')
    const refused = await deploy('x"\n  y')
    expect(refused).toMatchObject({ state: 'failed', reason: expect.stringContaining('not understood') })
    expect([await says(), await pid()]).toEqual(['two', before])
    const gone = { variables: { caddy_state: 'absent' } }
    expect(await run('deploy_caddy', gone)).toMatchObject({ state: 'success' })
    const look =
      'ls -d /etc/rollcall-caddy /opt/rollcall-caddy /var/lib/rollcall-caddy /etc/systemd/system/*caddy* /etc/systemd/system/*/*caddy*; getent passwd rollcall-caddy'
    expect((await host.exec(['sh', '-c', look])).stdout).toBe('')
  })

  it('that runs Xray in a container uses Docker where that is what there is, converges, takes a new configuration, and leaves nothing', async () => {
    const [checksum] = (
      await host.output(['sh', '-ec', MAKE_XRAY_IMAGE], { input: XRAY_IN_CONTAINER })
    ).split(' ')
    // What Debian's package podman-docker does: the command lines are the same.
    await host.output(['sh', '-ec', 'mv /usr/bin/podman /usr/bin/docker'])
    const variables = (port: number) => ({
      ...{ xray_docker_image: 'localhost/xray:latest', xray_docker_archive: '/var/tmp/xray.tar' },
      ...{ xray_docker_archive_sha256: checksum ?? '', xray_docker_verify_port: 4713 },
      ...{ xray_docker_command: ['/usr/bin/perl', '/xray.pl', 'run', '-config', '/etc/xray/config.json'] },
      xray_docker_ports: [`4713:${port}`],
      xray_docker_content: { inbounds: [{ port, settings: { password: SECRET } }] },
    })
    const deploy = (port: number) => run('deploy_xray_docker', { variables: variables(port) })
    const first = await deploy(80)
    expect(first, await api.text(first.commandId)).toMatchObject({ state: 'success', totals: { failed: 0 } })
    expect(await api.text(first.commandId)).not.toContain(SECRET)
    expect(await deploy(80)).toMatchObject({ state: 'success', totals: { changed: 0 } })
    const other = await deploy(81)
    expect(other, await api.text(other.commandId)).toMatchObject({ state: 'success' })
    const gone = { variables: { xray_docker_state: 'absent' } }
    expect(await run('deploy_xray_docker', gone)).toMatchObject({ state: 'success' })
    const look =
      'ls -d /etc/rollcall-xray* /etc/rollcall-containers /etc/systemd/system/*xray* /etc/systemd/system/*/*xray*; docker ps --all --quiet'
    expect((await host.exec(['sh', '-c', look])).stdout).toBe('')
    expect(await run('deploy_xray_docker', gone)).toMatchObject({ state: 'success', totals: { changed: 0 } })
    await host.output(['mv', '/usr/bin/docker', '/usr/bin/podman'])
  })
})
