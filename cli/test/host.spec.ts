import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RollcallError } from '@rollcall/contracts'
import { describe, expect, it } from 'vitest'
import { FINGERPRINT } from './fake-host.ts'
import { SERVER_PIN } from './fake-server.ts'
import { until } from './rollcall.ts'
import { withServer } from './setting.ts'

const setting = withServer()

const file = async (name: string, content: string) => {
  const path = join(setting.server.dataDir, name)
  await writeFile(path, content)
  return path
}
const sent = () => setting.server.requests.find(({ name }) => name === 'addHost')?.body
const ADD = ['host', 'add', 'demo-1', '--address', '192.0.2.10'] as const

describe('rollcall host add', () => {
  it('pins the very key that it showed, and takes the password from standard input only', async () => {
    const { exitCode, stdout, stderr } = await setting.ended(
      [...ADD, '--password-stdin', '--label', 'env=prod', '--label', 'rack=b4'],
      {
        input: 's3cret pass\nsecond line\n',
      },
    )
    expect(exitCode).toBe(0)
    expect(sent()).toMatchObject({
      name: 'demo-1',
      address: '192.0.2.10',
      port: 22,
      user: 'root',
      credential: { type: 'password', password: 's3cret pass' },
      hostKey: FINGERPRINT,
      labels: { env: 'prod', rack: 'b4' },
    })
    expect(stderr).toContain(`first contact: pinning ssh-ed25519 ${FINGERPRINT}`)
    expect(stderr).toContain(
      `Follow it with: rollcall command log ${setting.server.commands[0]?.view.id} --follow`,
    )
    expect(stdout + stderr).not.toContain('s3cret')
  })

  it('rollcall host add does not scan a host key that was given', async () => {
    const fingerprint = `SHA256:${'C'.repeat(43)}`
    const key = await file('key', 'PRIVATE KEY')
    const { stderr } = await setting.ended([...ADD, '--key', key, '--host-key', fingerprint])
    expect(sent()).toMatchObject({
      hostKey: fingerprint,
      credential: { type: 'key', privateKey: 'PRIVATE KEY' },
    })
    expect(setting.server.requests.map(({ name }) => name)).toEqual(['addHost'])
    expect(stderr).not.toContain('first contact')
  })

  it('rollcall host add reads passphrase and sudo password from files, and prints neither', async () => {
    const secrets = [
      await file('key', 'PRIVATE KEY'),
      await file('phrase', 'pass phrase\n'),
      await file('sudo', 'sudo word\r\n'),
    ]
    const [key = '', phrase = '', sudo = ''] = secrets
    const options = [
      '--key',
      key,
      '--passphrase-file',
      phrase,
      '--sudo-password-file',
      sudo,
      '--port',
      '2222',
      '--user',
      'admin',
    ]
    const { stdout, stderr } = await setting.ended([...ADD, ...options, '--json'])
    expect(sent()).toMatchObject({
      port: 2222,
      user: 'admin',
      credential: { privateKey: 'PRIVATE KEY', passphrase: 'pass phrase' },
      sudoPassword: 'sudo word',
    })
    expect(stdout + stderr).not.toMatch(/PRIVATE|phrase|word/)
    expect(JSON.parse(stdout)).toMatchObject({ host: { name: 'demo-1' }, commandId: expect.any(String) })
  })

  it('rollcall host add sends key, certificate and password together', async () => {
    const key = await file('both', 'PRIVATE KEY')
    await file('both-cert.pub', 'ssh-ed25519-cert-v01@openssh.com AAAA me\n')
    const { stderr } = await setting.ended([...ADD, '--key', key, '--password-stdin'], {
      input: 'pass word\n',
    })
    expect(sent()).toMatchObject({
      credential: {
        type: 'key',
        privateKey: 'PRIVATE KEY',
        certificate: 'ssh-ed25519-cert-v01@openssh.com AAAA me',
        password: 'pass word',
      },
    })
    expect(stderr).toContain('both-cert.pub')
    expect(stderr).not.toMatch(/PRIVATE|pass word/)
  })

  it('rollcall host add refuses a file that is not a certificate', async () => {
    const key = await file('lone', 'PRIVATE KEY')
    const certificate = await file('lone.pub', 'ssh-ed25519 AAAA me\n')
    const { exitCode, stderr } = await setting.ended([...ADD, '--key', key, '--certificate', certificate])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('is not an OpenSSH certificate')
  })

  it.each([
    ['no way to sign in', [], '', 'Say how to sign in'],
    ['a password as an argument', ['--password', 'x'], '', "unknown option '--password'"],
    ['a certificate without a key', ['--certificate', '/c', '--password-stdin'], 'x\n', 'needs --key'],
    ['a passphrase without a key', ['--passphrase-file', '/p', '--password-stdin'], 'x\n', 'needs --key'],
    ['an empty password', ['--password-stdin'], '\n', 'The first line of standard input is empty'],
    ['a port that is none', ['--port', '70000', '--password-stdin'], 'x\n', 'whole number from 1 to 65535'],
    ['a label without a value', ['--label', 'prod', '--password-stdin'], 'x\n', 'It must be key=value'],
    [
      'a fingerprint that is none',
      ['--host-key', 'md5:1', '--password-stdin'],
      'x\n',
      '  hostKey: must be SHA256:',
    ],
  ])(
    'rollcall host add refuses %s with exit code 2, before anything is sent',
    async (_what, options, input, said) => {
      const { exitCode, stderr } = await setting.ended([...ADD, ...options], { input })
      expect(stderr).toContain(said)
      expect(exitCode).toBe(2)
      expect(setting.server.requests).toEqual([])
    },
  )

  it('rollcall host add names every wrong field on its own line, and never the secret', async () => {
    const { exitCode, stderr } = await setting.ended(
      ['host', 'add', '_bad_', '--address', 'a b', '--password-stdin', '--host-key', FINGERPRINT],
      {
        input: `${'s3cret'.repeat(200)}\n`,
      },
    )
    expect(exitCode).toBe(2)
    expect(stderr).toMatch(
      /^error: The request is not valid\. \(request\.invalid\)\n {2}name: .*\n {2}address: .*\n {2}credential\.password: .*\n$/,
    )
    expect(stderr).not.toContain('s3cret')
  })

  it('rollcall host add sends --allow-duplicate, --take-over and --agent-port only if given', async () => {
    const key = await file('key', 'PRIVATE KEY')
    const plain = [...ADD, '--key', key, '--host-key', FINGERPRINT]
    await setting.ended(plain)
    expect(sent()).toMatchObject({ allowDuplicate: false, takeOver: false })
    setting.server.requests.length = 0
    await setting.ended([...plain, '--allow-duplicate', '--take-over', '--agent-port', '7000-7100'])
    expect(sent()).toMatchObject({ allowDuplicate: true, takeOver: true, agentPorts: '7000-7100' })
    await setting.ended(['host', 'install', 'demo-1', '--take-over'])
    const { query } = setting.server.requests.find(({ name }) => name === 'installHost') as { query: object }
    expect(query).toEqual({ takeOver: true, allowDuplicate: false })
  })

  it('rollcall host add refuses a public key in place of the private one', async () => {
    const { exitCode, stderr } = await setting.ended([
      ...ADD,
      '--key',
      await file('key.pub', 'ssh-ed25519 AAAA'),
    ])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('is a public key')
  })

  it('--wait shows the installation and ends with 0 only when it succeeded', async () => {
    setting.server.onCommand = (command) => command.start().write('TASK [agent]\n').end()
    const good = await setting.ended([...ADD, '--password-stdin', '--wait'], { input: 'x\n' })
    expect(good).toMatchObject({ exitCode: 0, stdout: 'TASK [agent]\n' })
    expect(good.stderr).toMatch(/the installation on demo-1 succeeded in \d+ ms/)

    setting.server.onCommand = (command) =>
      command.start().end({
        state: 'failed',
        exitCode: null,
        reason: 'There is no python3.',
        reasonCode: 'host.no_python',
      })
    const bad = await setting.ended(['host', 'install', 'demo-1', '--wait'])
    expect(bad.exitCode).toBe(1)
    expect(bad.stderr).toBe(
      'error: The installation on demo-1 did not succeed: failed: There is no python3. (host.no_python)\n',
    )
  })

  it('--wait survives a restart of the server', async () => {
    setting.server.addHost('demo-1')
    const rollcall = setting.rollcall(['host', 'install', 'demo-1', '--wait', '--json'])
    await until(() => setting.server.live.followed.length === 1, 'it follows')
    const command = setting.server.commands[0]?.start().write('1')
    await setting.server.crash()
    command?.write('2').end()
    await setting.server.listen()
    expect(await rollcall.ended()).toBe(0)
    const output = rollcall.lines
      .filter(({ type }) => type === 'output')
      .map(({ data }) => Buffer.from(String(data), 'base64').toString())
    expect(output.join('')).toBe('12')
    expect(
      rollcall.lines.map(({ type }) => type).filter((type) => type !== 'output' && type !== 'command'),
    ).toEqual(['accepted', 'end'])
  })
})

describe('rollcall host show and remove', () => {
  it('--json gives the whole answer as one document', async () => {
    const host = setting.server.addHost('a')
    expect(JSON.parse((await setting.ended(['host', 'show', 'a', '--json'])).stdout)).toEqual({
      host,
      serverPin: SERVER_PIN,
      sameMachineAs: null,
    })
  })

  it('rollcall host show says why a host is in its state, and where its log is', async () => {
    const lastProvisioning = '01234567-89ab-cdef-0123-456789abcdef'
    setting.server.addHost('a', 'install_failed', { stateReason: 'There is no python3.', lastProvisioning })
    const { stdout } = await setting.ended(['host', 'show', 'a'])
    expect(stdout).toMatch(/^Reason +There is no python3\.$/m)
    expect(stdout).toMatch(new RegExp(`^Last log +rollcall command log ${lastProvisioning}$`, 'm'))
  })

  it('rollcall host remove reports a forgotten host differently from a removed one', async () => {
    setting.server.addHost('a')
    const removed = await setting.ended(['host', 'remove', 'a'])
    expect(removed.stderr).toContain('the removal on a has started')
    const forgotten = await setting.ended(['host', 'remove', 'a', '--forget', '--wait', '--json'])
    expect(JSON.parse(forgotten.stdout)).toEqual({ commandId: null, message: 'a is forgotten.' })
  })

  it('a refusal of the server is shown with its code, and the exit code is 1', async () => {
    setting.server.onRequest = () => {
      throw new RollcallError('host.busy', 'a is being installed.\x1b[2J Wait for that.')
    }
    setting.server.addHost('a')
    expect(await setting.ended(['host', 'install', 'a'])).toMatchObject({
      exitCode: 1,
      stdout: '',
      stderr: 'error: a is being installed.\uFFFD[2J Wait for that. (host.busy)\n',
    })
  })
})

it.each([
  [{ name: 'web-1' }, /^Same machine as +web-1$/m],
  [{ name: null }, /^Same machine as +another host, which you may not see$/m],
])('rollcall host show says that it is the same machine as %j', async (sameMachineAs, shown) => {
  setting.server.addHost('a')
  setting.server.sameMachineAs = sameMachineAs
  expect((await setting.ended(['host', 'show', 'a'])).stdout).toMatch(shown)
})
