import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, describe, expect, test } from 'vitest'
import { AgentHost, addTo, ended, type Followed } from './fixtures/agent-host.ts'

const hosts: AgentHost[] = []
afterEach(async () => {
  await Promise.all(hosts.splice(0).map((host) => host.stop()))
})

async function startHost(limits: Record<string, number> = {}, folder?: string): Promise<AgentHost> {
  const host = await AgentHost.start(limits, folder)
  hosts.push(host)
  return host
}

const nothing = (): Followed => ({ runs: [], offset: 0, result: null, calls: 0 })

describe('the agent dies', () => {
  test('a running command goes on: each byte once, and the real exit code', async () => {
    const host = await startHost()
    const id = await host.shell('for i in $(seq 300); do echo line $i; sleep 0.005; done; exit 7')
    const followed = nothing()
    for (let kills = 0; kills < 3; kills++) {
      addTo(followed, await host.log(id, followed.offset, { wait_ms: 5000 }))
      await host.agent?.kill('SIGKILL')
      await host.startAgent()
    }
    const rest = await host.follow(id, followed.offset)
    const { stdout, result } = ended({ ...rest, runs: [...followed.runs, ...rest.runs] })
    expect(stdout).toBe(Array.from({ length: 300 }, (_, i) => `line ${i + 1}\n`).join(''))
    expect(result).toMatchObject({ status: 'failed', return_code: 7 })
  })

  test('between accepting and telling the runner: the next agent has it started, once', async () => {
    const host = await startHost()
    await host.agent?.kill('SIGKILL')
    const file = join(host.folder, 'count')
    const params = { command_id: randomUUID(), command: 'sh', args: ['-c', `echo x >> ${file}`], timeout: 20 }
    // What the agent leaves when it is killed right after it has accepted: a spec, and nobody told.
    const seen = await startHost()
    await seen.client.call('execute_command', params)
    const spec = readFileSync(join(seen.commandFolder(params.command_id), 'spec.json'))
    await seen.follow(params.command_id)
    mkdirSync(host.commandFolder(params.command_id), { recursive: true })
    writeFileSync(join(host.commandFolder(params.command_id), 'spec.json'), spec)
    await host.startAgent()
    expect((await host.client.call('execute_command', params)).command_id).toBe(params.command_id)
    expect(ended(await host.follow(params.command_id)).result.status).toBe('success')
    expect(readFileSync(file, 'utf8')).toBe('x\nx\n')
  })

  test('a folder without a spec was never accepted and is in nobody’s way', async () => {
    const host = await startHost()
    await host.agent?.kill('SIGKILL')
    const id = randomUUID()
    mkdirSync(host.commandFolder(id))
    await host.startAgent()
    await host.client.call('execute_command', { command_id: id, command: 'true', timeout: 5 })
    expect(ended(await host.follow(id)).result.status).toBe('success')
  })
})

describe('the runner dies', () => {
  test('what it ran is lost, killed, and never run again', async () => {
    const host = await startHost()
    const params = {
      command_id: randomUUID(),
      command: 'sh',
      args: ['-c', 'echo $$; sleep 60'],
      timeout: 100,
    }
    await host.client.call('execute_command', params)
    const first = await host.log(params.command_id, 0, { wait_ms: 5000 })
    await host.runner?.kill('SIGKILL')
    expect((await host.log(params.command_id)).is_final).toBe(false)
    await host.startRunner()
    const { result, stdout } = ended(await host.follow(params.command_id))
    expect(result).toMatchObject({
      status: 'lost',
      success: false,
      reason: 'command.runner_died',
      stdout: stdout.length,
    })
    const pid = Number(Buffer.from(first.log_data, 'base64'))
    await expect.poll(() => existsSync(`/proc/${pid}/fd/0`)).toBe(false)
    expect((await host.client.call('execute_command', params)).status).toBe('lost')
  })

  test('without any runner a command is not claimed to run', async () => {
    const host = await AgentHost.create()
    hosts.push(host)
    await host.startAgent()
    const params = { command_id: randomUUID(), command: 'true', timeout: 5 }
    const call = host.client.call('execute_command', params)
    await expect(call).rejects.toMatchObject({
      error: { code: -32002, data: { code: 'command.never_started', outcome: 'unknown' } },
    })
    await host.startRunner()
    await host.client.call('execute_command', params)
    expect(ended(await host.follow(params.command_id)).result.status).toBe('success')
  })

  test('it leaves when it has nothing to do, and the next one takes over', async () => {
    const host = await AgentHost.create()
    hosts.push(host)
    await host.startAgent()
    await host.startRunner(['--idle-ms', '1500'])
    expect((await host.run('sleep 2')).result.status).toBe('success')
    expect(await host.runner?.exited).toBe(0)
    await host.startRunner()
    expect((await host.run('echo again')).stdout).toBe('again\n')
  })

  test('it is stopped: its commands are ended and told as lost', async () => {
    const host = await startHost()
    const id = await host.shell('sleep 60')
    await host.client.call('heartbeat', {})
    expect(await host.runner?.kill('SIGTERM')).toBe(0)
    expect(ended(await host.follow(id)).result).toMatchObject({
      status: 'lost',
      reason: 'command.runner_died',
    })
  })

  test('a second runner refuses to start beside the first', async () => {
    const host = await startHost()
    const first = host.runner
    await expect(host.startRunner()).rejects.toThrow('another runner')
    await first?.kill('SIGTERM')
  })

  test('half a line of a killed agent spoils no order', async () => {
    const host = await startHost()
    await host.agent?.kill('SIGKILL')
    writeFileSync(join(host.folder, 'run/runner.fifo'), '{"op":"start","id":"0000')
    await host.startAgent()
    expect((await host.run('echo fine')).stdout).toBe('fine\n')
    await expect.poll(() => host.runner?.stderr).toContain('runner.order_unreadable')
  })
})

test('a host that restarted reports its commands as lost and does not run them again', async () => {
  const host = await startHost()
  const file = join(host.folder, 'count')
  const id = await host.shell(`echo x >> ${file}`)
  await host.follow(id)
  await host.agent?.kill('SIGKILL')
  await host.runner?.kill('SIGKILL')
  const folder = host.commandFolder(id)
  const spec = JSON.parse(readFileSync(join(folder, 'spec.json'), 'utf8'))
  writeFileSync(join(folder, 'spec.json'), JSON.stringify({ ...spec, boot_id: randomUUID() }))
  for (const name of ['exit.json', 'started.json']) execFileSync('rm', [join(folder, name)])
  await host.startRunner()
  await host.startAgent()
  expect(ended(await host.follow(id)).result).toMatchObject({
    status: 'lost',
    reason: 'command.host_restarted',
  })
  expect(readFileSync(file, 'utf8')).toBe('x\n')
})

describe('too much', () => {
  test('commands beyond the limit are refused as overload, and accepted again later', async () => {
    const host = await startHost({ running_commands: 2 })
    const ids = [await host.shell('sleep 20'), await host.shell('sleep 20')]
    await expect(host.shell('true')).rejects.toMatchObject({
      error: { code: -32002, data: { code: 'agent.overloaded', outcome: 'not-applied' } },
    })
    for (const command_id of ids) await host.client.call('cancel_command', { command_id })
    for (const id of ids) await host.follow(id)
    expect((await host.run('true')).result.status).toBe('success')
  })

  test('output beyond the bound is cut, counted and marked, and the program goes on', async () => {
    const host = await startHost({ spool_bytes_per_command: 1024 * 1024 })
    const { stdout, stderr, result } = await host.run('head -c 3000000 /dev/zero; echo end >&2; exit 5')
    expect(result).toMatchObject({ status: 'failed', return_code: 5, stdout: stdout.length })
    expect(result.dropped + result.stdout + result.stderr).toBe(3_000_004)
    expect(stderr).toMatch(/\[rollcall\] \d+ bytes of output were cut here: this command has more/)
  })

  test('all commands together are bounded as well', async () => {
    const host = await startHost({ spool_bytes_total: 1024 * 1024 })
    await host.run('head -c 900000 /dev/zero')
    const { stderr, result } = await host.run('head -c 900000 /dev/zero')
    expect(result.dropped).toBeGreaterThan(700_000)
    expect(stderr).toContain('all commands together')
  })

  test('acknowledged output makes room, and is gone', async () => {
    const host = await startHost({ spool_bytes_per_command: 20 * 1024 * 1024 })
    // Each piece waits until the one before it is fetched and acknowledged.
    const script = 'for i in $(seq 12); do head -c 5000000 /dev/zero; read go; done'
    const id = await host.shell(script, { stdin: true })
    const max_bytes = 4 * 1024 * 1024
    let offset = 0
    for (let piece = 1; piece <= 12; piece++) {
      while (offset < piece * 5_000_000) {
        const params = { wait_ms: 5000, max_bytes, acknowledged_offset: offset }
        offset = (await host.log(id, offset, params)).new_offset
      }
      await host.client.call('write_input', { command_id: id, offset: piece - 1, data: 'Cg==' })
    }
    const { result } = await host.follow(id, offset)
    expect(result).toMatchObject({ stdout: 60_000_000, dropped: 0 })
    const segments = readdirSync(host.commandFolder(id)).filter((name) => name.startsWith('log.'))
    expect(segments.length).toBeLessThanOrEqual(2)
    await expect(host.log(id, 0)).rejects.toMatchObject({ error: { data: { code: 'command.output_gone' } } })
  })

  test('a full disk cuts the output and loses no exit code', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-full-'))
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder], { stdio: 'ignore' })
    } catch {
      context.skip('needs the right to mount a tmpfs')
    }
    const host = await startHost({ spool_bytes_left_free: 0 }, join(folder, 'host'))
    try {
      const { result } = await host.run('head -c 9000000 /dev/zero; exit 9')
      expect(result).toMatchObject({ status: 'failed', return_code: 9 })
      expect(result.dropped).toBeGreaterThan(4_000_000)
      expect(result.dropped + result.stdout).toBe(9_000_000)
      expect(() => writeFileSync(join(folder, 'filler'), Buffer.alloc(5_000_000))).toThrow('ENOSPC')
      await expect(host.shell('true')).rejects.toMatchObject({
        error: { data: { code: 'agent.overloaded' } },
      })
    } finally {
      hosts.splice(hosts.indexOf(host), 1)
      await host.stop()
      execFileSync('umount', [folder])
    }
  })

  test('100 MB arrive whole and fast enough', async () => {
    const host = await startHost()
    const id = await host.shell('head -c 100000000 /dev/zero; echo end >&2')
    const started = performance.now()
    const { offset, result } = await host.follow(id)
    expect(offset).toBe(100_000_004)
    expect(result).toMatchObject({ stdout: 100_000_000, stderr: 4, dropped: 0 })
    expect(100_000 / (performance.now() - started)).toBeGreaterThan(10)
  })
})
