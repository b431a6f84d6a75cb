import { randomUUID } from 'node:crypto'
import { existsSync, readdirSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { AgentHost, ended } from './fixtures/agent-host.ts'
import { RpcFailure } from './fixtures/rpc-client.ts'

let host: AgentHost
beforeAll(async () => {
  host = await AgentHost.start()
})
afterAll(() => host.stop())

describe('running a command', () => {
  test('output, streams and exit code of a command reach the server', async () => {
    const { stdout, stderr, result } = await host.run('echo out; echo err >&2; exit 3')
    expect({ stdout, stderr }).toEqual({ stdout: 'out\n', stderr: 'err\n' })
    expect(result).toMatchObject({
      status: 'failed',
      success: false,
      return_code: 3,
      signal: null,
      stdout: 4,
      stderr: 4,
    })
  })

  test('a command that exits with 0 is a success', async () => {
    const { result } = await host.run('true')
    expect(result).toMatchObject({
      status: 'success',
      success: true,
      return_code: 0,
      reason: null,
      dropped: 0,
    })
  })

  test('a program is started without a shell', async () => {
    const id = await host.execute('printf', ['%s|', '$HOME', 'a b', '; echo x'])
    expect(ended(await host.follow(id)).stdout).toBe('$HOME|a b|; echo x|')
  })

  test('a missing program fails with 127 and says so', async () => {
    const { result } = ended(await host.follow(await host.execute('no-such-program')))
    expect(result).toMatchObject({ status: 'failed', return_code: 127, reason: 'command.start_failed' })
    expect(result.message).toContain('no-such-program')
  })

  test.each([
    ['a folder', '/etc', '/'],
    ['a file that is not executable', '/etc/passwd', '/'],
    ['a missing working directory', 'true', '/no/such/folder'],
  ])('a command fails with 126 for %s', async (_what, command, cwd) => {
    const { result } = ended(await host.follow(await host.execute(command, [], { cwd })))
    expect(result).toMatchObject({ status: 'failed', return_code: 126, reason: 'command.start_failed' })
  })

  test('a program killed by a signal fails with that signal', async () => {
    const { result } = await host.run('kill -SEGV $$')
    expect(result).toMatchObject({ status: 'failed', return_code: null, signal: 'SIGSEGV' })
  })

  test('a program gets the given environment and nothing of the runner’s own', async () => {
    const { stdout } = await host.run('env; pwd', { env: { GIVEN: 'x=1' }, cwd: '/usr' })
    expect(stdout).toMatch(/^GIVEN=x=1$/m)
    expect(stdout).toMatch(/^LANG=C.UTF-8$/m)
    expect(stdout).not.toMatch(/NODE_|VITEST|LISTEN_|INVOCATION_/)
    expect(stdout).toMatch(/\/usr\n$/)
  })

  test.each([false, true])(
    'files of a program are readable by others, and files of the runner are not (terminal: %s)',
    async (tty) => {
      const file = join(host.folder, `made-${tty}`)
      const id = await host.shell(`umask; mkdir ${file}; touch ${file}/file`, { tty })
      await host.follow(id)
      const mode = (path: string) => (statSync(path).mode & 0o777).toString(8)
      expect([mode(file), mode(join(file, 'file'))]).toEqual(['755', '644'])
      // The runner frees its reserve once the end is on the disk, which the reader of the output does not wait for.
      await expect.poll(() => readdirSync(host.commandFolder(id))).not.toContain('reserve')
      const spool = readdirSync(host.commandFolder(id)).map((name) =>
        mode(join(host.commandFolder(id), name)),
      )
      expect(spool.length).toBeGreaterThan(2)
      expect(new Set(spool)).toEqual(new Set(['600']))
    },
  )

  test.concurrent.each(['cancelled', 'timed_out'])(
    'processes that a %s command leaves in another session are reported',
    async (how) => {
      const script = 'setsid sh -c "echo \\$\\$; exec sleep 60" & sleep 60'
      const id = await host.shell(script, how === 'timed_out' ? { timeout: 1 } : {})
      await expect.poll(async () => (await host.log(id)).new_offset).toBeGreaterThan(0)
      if (how === 'cancelled') await host.client.call('cancel_command', { command_id: id })
      const { result, stdout } = ended(await host.follow(id))
      process.kill(Number(stdout), 'SIGKILL')
      expect(result).toMatchObject({ status: how, message: `1 process left: sleep (${stdout.trim()}).` })
    },
  )

  test.concurrent('a cancelled command that leaves no process has no message', async () => {
    const id = await host.shell('sleep 60 & sleep 60')
    await host.client.call('cancel_command', { command_id: id })
    expect(ended(await host.follow(id)).result).toMatchObject({ status: 'cancelled', message: null })
  })

  test('scripts can write to /dev/stderr and /dev/stdout', async () => {
    const { stdout, stderr, result } = await host.run('echo a > /dev/stdout; echo b > /dev/stderr')
    expect({ stdout, stderr, code: result.return_code }).toEqual({ stdout: 'a\n', stderr: 'b\n', code: 0 })
  })

  test('binary output arrives unchanged', async () => {
    const script = 'i=0; while [ $i -lt 256 ]; do printf "\\\\$(printf %03o $i)"; i=$((i+1)); done'
    const { runs } = await host.follow(await host.shell(script))
    expect(Buffer.concat(runs.map((run) => run.data))).toEqual(
      Buffer.from(Array.from({ length: 256 }, (_, i) => i)),
    )
  })

  // The streams are two pipes: on a machine with many neighbours 10 ms are no pause, since both are read after it.
  test('alternating streams with pauses stay in order', async () => {
    const script = 'for i in 1 2 3 4 5 6 7 8 9 10; do echo $i; sleep 0.05; echo e$i >&2; sleep 0.05; done'
    const { all } = await host.run(script)
    expect(all).toBe(Array.from({ length: 10 }, (_, i) => `${i + 1}\ne${i + 1}\n`).join(''))
  })

  test('a command ends even if a daemon that it left holds its output', async () => {
    const started = Date.now()
    const { stdout, result } = await host.run('sleep 5 & echo done')
    expect(result).toMatchObject({ status: 'success' })
    expect(stdout).toBe('done\n')
    expect(Date.now() - started).toBeLessThan(4000)
  })

  test('a repeated id starts nothing, whether concurrently, after its end or after its release', async () => {
    const command_id = randomUUID()
    const file = `${host.folder}/count-${command_id}`
    const script = `echo x >> ${file}; until [ -e ${file}.over ]; do sleep 0.05; done`
    const params = { command_id, command: 'sh', args: ['-c', script], timeout: 20 }
    const answers = await Promise.all(
      Array.from({ length: 10 }, () => host.client.call('execute_command', params)),
    )
    expect(answers.every((answer) => answer.status === 'running')).toBe(true)
    writeFileSync(`${file}.over`, '')
    await host.follow(command_id)
    expect((await host.client.call('execute_command', params)).status).toBe('success')
    expect(await host.client.call('release_command', { command_id })).toEqual({ command_id, released: true })
    expect(await host.client.call('release_command', { command_id })).toEqual({ command_id, released: true })
    expect((await host.client.call('execute_command', params)).status).toBe('success')
    const other = { ...params, timeout: 21 }
    await expect(host.client.call('execute_command', other)).rejects.toMatchObject({
      error: { data: { code: 'command.id_conflict' } },
    })
    const { stdout } = await host.run(`cat ${file}`)
    expect(stdout).toBe('x\n')
    await expect(host.log(command_id)).rejects.toMatchObject({
      error: { data: { code: 'command.output_gone' } },
    })
  })

  test('a known id with other parameters is refused', async () => {
    const id = await host.shell('true')
    const error = await host.client
      .call('execute_command', { command_id: id, command: 'false', timeout: 1 })
      .catch((e) => e)
    expect(error).toBeInstanceOf(RpcFailure)
    expect(error.error).toMatchObject({
      code: -32001,
      data: { code: 'command.id_conflict', kind: 'rejected' },
    })
  })

  test('a running command is not released', async () => {
    const command_id = await host.shell('sleep 20')
    expect(await host.client.call('release_command', { command_id })).toEqual({ command_id, released: false })
    await host.client.call('cancel_command', { command_id })
    await host.follow(command_id)
  })

  test('an unknown command is not found', async () => {
    await expect(host.log(randomUUID())).rejects.toMatchObject({
      error: { data: { code: 'command.not_found' } },
    })
  })

  test('an offset beyond the end gets an empty answer', async () => {
    const id = await host.shell('echo x')
    await host.follow(id)
    expect(await host.log(id, 1000)).toMatchObject({
      log_data: '',
      further: [],
      new_offset: 1000,
      is_final: true,
    })
  })
})

// Side by side, since they wait for deadlines.
describe.concurrent('ending a command', () => {
  test('a timeout ends the whole process group, including grandchildren', async () => {
    const { stdout, result } = await host.run('(sleep 100 & echo $!; wait) & wait', { timeout: 0.3 })
    expect(result).toMatchObject({ status: 'timed_out', success: false, signal: 'SIGTERM' })
    expect(() => process.kill(Number(stdout), 0)).toThrow('ESRCH')
  })

  test('a cancelled command is cancelled even if it exits with 0', async () => {
    const id = await host.shell('trap "exit 0" TERM; echo ready; while :; do sleep 0.05; done')
    await host.log(id, 0, { wait_ms: 5000 })
    await host.client.call('cancel_command', { command_id: id })
    const { result } = ended(await host.follow(id))
    expect(result).toMatchObject({ status: 'cancelled', success: false, return_code: 0 })
    expect((await host.client.call('cancel_command', { command_id: id })).status).toBe('cancelled')
  })

  test('a cancel during the wait for output does not keep the command running', async () => {
    const id = await host.shell('sleep 60 & echo $$ $!')
    const first = await host.log(id, 0, { wait_ms: 5000 })
    const [leader, daemon] = Buffer.from(first.log_data, 'base64').toString().split(' ').map(Number)
    await expect.poll(() => existsSync(`/proc/${leader}`), { interval: 5 }).toBe(false)
    const started = performance.now()
    await host.client.call('cancel_command', { command_id: id })
    const { result } = ended(await host.follow(id))
    process.kill(daemon as number, 'SIGKILL')
    expect(result).toMatchObject({ status: 'success', return_code: 0 })
    expect(performance.now() - started).toBeLessThan(5000)
  })

  test('a program that ignores TERM is killed ten seconds later', async () => {
    const started = Date.now()
    const { result } = await host.run('trap "" TERM; while :; do sleep 0.1; done', { timeout: 0.2 })
    expect(result).toMatchObject({ status: 'timed_out', signal: 'SIGKILL', return_code: null })
    expect(Date.now() - started).toBeGreaterThan(9900)
  }, 20_000)
})

describe('long polls', () => {
  test('a long poll is woken by output in milliseconds', async () => {
    const id = await host.shell('sleep 0.5; date +%s%N; sleep 2')
    const answer = await host.log(id, 0, { wait_ms: 20_000 })
    const writtenMs = Number(Buffer.from(answer.log_data, 'base64').toString()) / 1e6
    expect(Date.now() - writtenMs).toBeLessThan(250)
    expect(answer.is_final).toBe(false)
    await host.client.call('cancel_command', { command_id: id })
  })

  test('a long poll is woken by the end', async () => {
    const id = await host.shell('sleep 0.3')
    const answer = await host.log(id, 0, { wait_ms: 20_000 })
    expect(answer).toMatchObject({ is_final: true, log_data: '' })
  })

  test('a long poll without output gets an empty answer at its timeout', async () => {
    const id = await host.shell('sleep 3')
    const started = Date.now()
    expect(await host.log(id, 0, { wait_ms: 200 })).toMatchObject({
      is_final: false,
      log_data: '',
      new_offset: 0,
    })
    expect(Date.now() - started).toBeGreaterThan(190)
    await host.client.call('cancel_command', { command_id: id })
  })
})

describe('input and terminals', () => {
  test('input that is sent twice arrives once', async () => {
    const command_id = await host.execute('cat', [], { stdin: true })
    const data = Buffer.from('hello ').toString('base64')
    await host.client.call('write_input', { command_id, offset: 0, data })
    await host.client.call('write_input', { command_id, offset: 0, data })
    const rest = Buffer.from('lo world').toString('base64')
    await host.client.call('write_input', { command_id, offset: 3, data: rest, eof: true })
    expect(ended(await host.follow(command_id)).stdout).toBe('hello world')
  })

  test('a gap in the input is refused', async () => {
    const command_id = await host.execute('cat', [], { stdin: true })
    const call = host.client.call('write_input', { command_id, offset: 5, data: 'eA==' })
    await expect(call).rejects.toMatchObject({
      error: { data: { code: 'request.invalid', fields: [{ field: 'offset' }] } },
    })
    await host.client.call('write_input', { command_id, offset: 0, data: '', eof: true })
    await host.follow(command_id)
  })

  test('input for a command without standard input is refused', async () => {
    const command_id = await host.shell('sleep 2')
    const call = host.client.call('write_input', { command_id, offset: 0, data: 'eA==' })
    await expect(call).rejects.toMatchObject({ error: { data: { code: 'command.no_input' } } })
    const resize = host.client.call('resize_terminal', { command_id, columns: 80, rows: 24 })
    await expect(resize).rejects.toMatchObject({ error: { data: { code: 'command.no_terminal' } } })
    await host.client.call('cancel_command', { command_id })
  })

  test('a terminal has the requested size, takes input and can be resized', async () => {
    const script = 'test -t 0 && test -t 1 && stty size; read line; echo "got $line"; stty size; exit 4'
    const command_id = await host.shell(script, { tty: true, columns: 100, rows: 30 })
    const first = await host.log(command_id, 0, { wait_ms: 5000 })
    expect(Buffer.from(first.log_data, 'base64').toString()).toContain('30 100')
    await host.client.call('resize_terminal', { command_id, columns: 120, rows: 40 })
    await host.client.call('write_input', {
      command_id,
      offset: 0,
      data: Buffer.from('abc\n').toString('base64'),
    })
    const { stdout, stderr, result } = ended(await host.follow(command_id))
    expect(stdout).toContain('got abc')
    expect(stdout).toContain('40 120')
    expect(stderr).toBe('')
    expect(result).toMatchObject({ status: 'failed', return_code: 4 })
  })

  test('a cancelled terminal command reports its signal', async () => {
    const command_id = await host.execute('sleep', ['100'], { tty: true })
    await host.client.call('cancel_command', { command_id })
    const { result } = ended(await host.follow(command_id))
    expect(result).toMatchObject({ status: 'cancelled', signal: 'SIGTERM' })
  })
})
