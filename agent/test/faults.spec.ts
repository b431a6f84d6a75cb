import { execFileSync } from 'node:child_process'
import { randomUUID } from 'node:crypto'
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { AgentParamsInput } from '@rollcall/contracts/agent'
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
  test('a command survives a killed agent: each byte arrives once, with the real exit code', async () => {
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

  test('a command that was accepted by a killed agent is started once by the next agent', async () => {
    const host = await startHost()
    await host.agent?.kill('SIGKILL')
    const file = join(host.folder, 'count')
    const params = { command_id: randomUUID(), command: 'sh', args: ['-c', `echo x >> ${file}`], timeout: 20 }
    // The state after the agent is killed between accepting a command and notifying the runner.
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

  test('a command folder without a spec is ignored and removed', async () => {
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
  test('the commands of a killed runner are lost, killed, and never run again', async () => {
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

  test('without a runner a command is refused instead of reported as running', async () => {
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

  test('an idle runner exits, and the next one takes over', async () => {
    const host = await AgentHost.create()
    hosts.push(host)
    await host.startAgent()
    await host.startRunner(['--idle-ms', '1500'])
    expect((await host.run('sleep 2')).result.status).toBe('success')
    expect(await host.runner?.exited).toBe(0)
    await host.startRunner()
    expect((await host.run('echo again')).stdout).toBe('again\n')
  })

  test('a stopped runner ends its commands and records them as lost', async () => {
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

  test('half a line of a killed agent does not affect the next message', async () => {
    const host = await startHost()
    await host.agent?.kill('SIGKILL')
    writeFileSync(join(host.folder, 'run/runner.fifo'), '{"op":"start","id":"0000')
    await host.startAgent()
    expect((await host.run('echo fine')).stdout).toBe('fine\n')
    await expect.poll(() => host.runner?.stderr).toContain('runner.message_unreadable')
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

describe('limits of commands and output', () => {
  test('commands beyond the limit are refused as overload and accepted again later', async () => {
    const host = await startHost({ running_commands: 2 })
    const ids = [await host.shell('sleep 20'), await host.shell('sleep 20')]
    await expect(host.shell('true')).rejects.toMatchObject({
      error: { code: -32002, data: { code: 'agent.overloaded', outcome: 'not-applied' } },
    })
    for (const command_id of ids) await host.client.call('cancel_command', { command_id })
    for (const id of ids) await host.follow(id)
    expect((await host.run('true')).result.status).toBe('success')
  })

  test('output beyond the limit is cut, counted and marked, and the program continues', async () => {
    const host = await startHost({ spool_bytes_per_command: 1024 * 1024 })
    const { stdout, stderr, result } = await host.run('head -c 3000000 /dev/zero; echo end >&2; exit 5')
    expect(result).toMatchObject({ status: 'failed', return_code: 5, stdout: stdout.length })
    expect(result.dropped + result.stdout + result.stderr).toBe(3_000_004)
    expect(stderr).toMatch(/\[rollcall\] \d+ bytes of output were cut here: this command has more/)
  })

  test('the output of all commands together is limited too', async () => {
    const host = await startHost({ spool_bytes_total: 1024 * 1024 })
    await host.run('head -c 900000 /dev/zero')
    const { stderr, result } = await host.run('head -c 900000 /dev/zero')
    expect(result.dropped).toBeGreaterThan(700_000)
    expect(stderr).toContain('all commands together')
  })

  test('acknowledged output makes room and is gone', async () => {
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

  test('a full disk cuts the output but loses no exit code', async (context) => {
    const folder = mkdtempSync(join(tmpdir(), 'rollcall-full-'))
    try {
      execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=4m', 'tmpfs', folder], { stdio: 'ignore' })
    } catch {
      rmSync(folder, { recursive: true })
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
      rmSync(folder, { recursive: true })
    }
  })

  test('100 MB of output arrive complete', async () => {
    const host = await startHost()
    const id = await host.shell('head -c 100000000 /dev/zero; echo end >&2')
    const { offset, result } = await host.follow(id)
    expect(offset).toBe(100_000_004)
    expect(result).toMatchObject({ stdout: 100_000_000, stderr: 4, dropped: 0 })
  })
})

/** Creates a host without a runner that has accepted `params`, as between acceptance and claim. */
async function accepted(...commands: AgentParamsInput<'execute_command'>[]): Promise<AgentHost> {
  const host = await AgentHost.create()
  hosts.push(host)
  await host.startAgent()
  for (const params of commands) {
    const call = host.client.call('execute_command', params)
    await expect(call).rejects.toMatchObject({ error: { data: { code: 'command.never_started' } } })
  }
  return host
}

const writing = (file: string) => ({
  command_id: randomUUID(),
  command: 'sh',
  args: ['-c', `echo x >> ${file}`],
  timeout: 20,
})

describe('a command is withdrawn', () => {
  test('a command withdrawn before its start is never started, even after a restart of the agent', async () => {
    const host = await accepted()
    const params = writing(join(host.folder, 'count'))
    const { command_id } = params
    await host.client.call('execute_command', params).catch(() => undefined)
    const withdrawn = { command_id, withdrawn: true }
    expect(await host.client.call('withdraw_command', { command_id })).toEqual(withdrawn)
    await host.startRunner()
    expect((await host.client.call('execute_command', params)).status).toBe('cancelled')
    expect(ended(await host.follow(command_id)).result).toMatchObject({
      status: 'cancelled',
      return_code: null,
      message: 'It was withdrawn before it started.',
    })
    await host.agent?.kill()
    await host.startAgent()
    expect(await host.client.call('withdraw_command', { command_id })).toEqual(withdrawn)
    expect(await host.client.call('release_command', { command_id })).toEqual({ command_id, released: true })
    expect(await host.client.call('withdraw_command', { command_id })).toEqual(withdrawn)
    expect((await host.client.call('execute_command', params)).status).toBe('cancelled')
    expect((await host.run('echo other')).stdout).toBe('other\n')
    expect(existsSync(join(host.folder, 'count'))).toBe(false)
  })

  test('a command is cancelled even if the agent dies right after claiming it', async () => {
    const host = await accepted()
    const params = writing(join(host.folder, 'count'))
    const { command_id } = params
    await host.client.call('execute_command', params).catch(() => undefined)
    await host.client.call('withdraw_command', { command_id })
    await host.agent?.kill()
    rmSync(join(host.commandFolder(command_id), 'exit.json'))
    await host.startAgent()
    await host.startRunner()
    expect((await host.client.call('heartbeat', {})).running_commands).toBe(0)
    expect(ended(await host.follow(command_id)).result.status).toBe('cancelled')
    expect(await host.client.call('withdraw_command', { command_id })).toEqual({
      command_id,
      withdrawn: true,
    })
    expect(await host.client.call('release_command', { command_id })).toEqual({ command_id, released: true })
    expect(existsSync(join(host.folder, 'count'))).toBe(false)
  })

  test('a command withdrawn before it arrived is remembered across a restart of the agent', async () => {
    const host = await startHost()
    const params = writing(join(host.folder, 'count'))
    const { command_id } = params
    await host.client.call('withdraw_command', { command_id })
    await host.agent?.kill()
    await host.startAgent()
    expect((await host.client.call('execute_command', params)).status).toBe('cancelled')
    expect(await host.client.call('withdraw_command', { command_id })).toEqual({
      command_id,
      withdrawn: true,
    })
    expect((await host.run('echo other')).stdout).toBe('other\n')
    expect(existsSync(join(host.folder, 'count'))).toBe(false)
  })

  test('a command withdrawn during its start runs once or never, as the answer says', async () => {
    const host = await startHost()
    for (let round = 0; round < 40; round++) {
      const file = join(host.folder, `count-${round}`)
      const params = writing(file)
      const { command_id } = params
      const execute = host.client.call('execute_command', params)
      if (round % 4 !== 0) await execute
      const { withdrawn } = await host.client.call('withdraw_command', { command_id })
      await execute
      if (withdrawn) expect((await host.client.call('execute_command', params)).status).toBe('cancelled')
      else expect(ended(await host.follow(command_id)).result.status).toBe('success')
      expect(existsSync(file)).toBe(!withdrawn)
    }
  })
})

describe('a record or the disk is damaged', () => {
  test.each(['spec.json', 'started.json', 'exit.json'])(
    'an unreadable %s makes its own command lost and no other',
    async (name) => {
      const host = await startHost()
      const damaged = await host.shell('exit 3')
      await host.follow(damaged)
      const going = await host.shell('echo up; read line; echo $line', { stdin: true })
      await host.log(going, 0, { wait_ms: 5000 })
      const folder = host.commandFolder(damaged)
      if (name !== 'exit.json') rmSync(join(folder, 'exit.json'))
      writeFileSync(join(folder, name), '{"status":')
      await host.agent?.kill()
      await host.startAgent()
      expect(host.agent?.stderr.match(/command.record_unreadable/g)).toHaveLength(1)
      expect(ended(await host.follow(damaged)).result).toMatchObject({
        status: 'lost',
        reason: 'command.runner_died',
        message: expect.stringContaining('cannot be read'),
      })
      await host.client.call('write_input', { command_id: going, offset: 0, data: 'aGkK' })
      expect(ended(await host.follow(going)).stdout).toBe('up\nhi\n')
      const command_id = damaged
      expect(await host.client.call('withdraw_command', { command_id })).toMatchObject({ withdrawn: false })
      expect(await host.client.call('release_command', { command_id })).toEqual({
        command_id,
        released: true,
      })
      const again = { command_id, command: 'true', timeout: 5 }
      if (name === 'spec.json') expect((await host.client.call('execute_command', again)).status).toBe('lost')
    },
  )

  test('a damaged record is recorded as lost without a restart of agent or runner', async () => {
    const host = await startHost()
    const id = await host.shell('exit 3')
    await host.follow(id)
    writeFileSync(join(host.commandFolder(id), 'exit.json'), '')
    expect(ended(await host.follow(id)).result.status).toBe('lost')
  })

  test('records with unknown fields of a newer release are read', async () => {
    const params = { command_id: randomUUID(), command: 'sh', args: ['-c', 'exit 3'], timeout: 20 }
    const host = await accepted(params)
    const folder = host.commandFolder(params.command_id)
    const extend = (name: string, change: (record: Record<string, object>) => object) => {
      const record = JSON.parse(readFileSync(join(folder, name), 'utf8'))
      writeFileSync(join(folder, name), JSON.stringify({ ...record, ...change(record), later: 1 }))
    }
    extend('spec.json', ({ params, limits }) => ({
      params: { ...params, later: 1 },
      limits: { ...limits, later: 1 },
    }))
    await host.startRunner()
    expect(ended(await host.follow(params.command_id)).result).toMatchObject({ return_code: 3 })
    for (const name of ['started.json', 'exit.json']) extend(name, () => ({}))
    await host.agent?.kill()
    await host.startAgent()
    expect(ended(await host.follow(params.command_id)).result).toMatchObject({ return_code: 3 })
    expect((await host.client.call('execute_command', params)).status).toBe('failed')
  })

  test('a start that cannot be recorded fails, runs nothing, and affects no other command', async () => {
    const file = join(tmpdir(), `rollcall-count-${randomUUID()}`)
    const params = writing(file)
    const { command_id } = params
    const host = await accepted(params)
    const obstacle = join(host.commandFolder(command_id), 'started.json.runner')
    mkdirSync(obstacle)
    await host.startRunner()
    expect((await host.run('echo other')).stdout).toBe('other\n')
    expect(await host.log(command_id)).toMatchObject({ is_final: false })
    rmdirSync(obstacle)
    expect(ended(await host.follow(command_id)).result).toMatchObject({
      status: 'failed',
      return_code: null,
      reason: 'command.start_failed',
      message: expect.stringContaining('the command was not started'),
    })
    expect(existsSync(file)).toBe(false)
  })

  test('a command whose start cannot be recorded can be withdrawn meanwhile', async () => {
    const params = writing(join(tmpdir(), `rollcall-count-${randomUUID()}`))
    const { command_id } = params
    const host = await accepted(params)
    const obstacle = join(host.commandFolder(command_id), 'started.json.runner')
    mkdirSync(obstacle)
    await host.startRunner()
    expect(await host.client.call('withdraw_command', { command_id })).toEqual({
      command_id,
      withdrawn: true,
    })
    rmdirSync(obstacle)
    expect((await host.run('echo other')).stdout).toBe('other\n')
    expect(ended(await host.follow(command_id)).result.status).toBe('cancelled')
  })

  test('other disk faults during a command neither end it nor lose its end', async () => {
    const params = { command_id: randomUUID(), command: 'sh', args: ['-c', 'echo out; exit 3'], timeout: 20 }
    const host = await accepted(params)
    const folder = host.commandFolder(params.command_id)
    const obstacles = ['started.json.tmp', 'reserve', 'input', 'exit.json.tmp'].map((name) =>
      join(folder, name),
    )
    for (const obstacle of obstacles) mkdirSync(obstacle)
    await host.startRunner()
    await expect.poll(() => host.runner?.stderr).toContain('command.end_not_recorded')
    expect(host.runner?.stderr).toContain('command.program_not_noted')
    rmdirSync(obstacles.at(-1) as string)
    const { stdout, result } = ended(await host.follow(params.command_id))
    expect({ stdout, code: result.return_code }).toEqual({ stdout: 'out\n', code: 3 })
  })
})
