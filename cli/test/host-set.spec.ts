import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { describe, expect, it } from 'vitest'
import { FINGERPRINT } from './fake-host.ts'
import { withServer } from './setting.ts'

const setting = withServer()
const sent = () => setting.server.requests.find(({ name }) => name === 'changeHost')?.body

describe('rollcall host set', () => {
  it('changes the labels that were named and keeps all others', async () => {
    setting.server.addHost('a', 'online', { labels: { env: 'prod', rack: 'b4', old: 'x' } })
    const args = ['--label', 'env=staging', '--label', 'tier=ha', '--remove-label', 'old']
    const { exitCode, stdout } = await setting.ended(['host', 'set', 'a', ...args])
    expect(exitCode).toBe(0)
    expect(sent()).toEqual({
      labels: { env: 'staging', rack: 'b4', tier: 'ha' },
      ifLabels: { env: 'prod', rack: 'b4', old: 'x' },
    })
    expect(stdout).toMatch(/^Labels +env=staging,rack=b4,tier=ha$/m)
  })

  it('rollcall host set sends only what was given, and reads labels only to change them', async () => {
    setting.server.addHost('a')
    await setting.ended(['host', 'set', 'a', '--auto-reinstall', 'off'])
    expect(sent()).toEqual({ autoReinstall: false })
    expect(setting.server.requests.map(({ name }) => name)).toEqual(['changeHost'])
  })

  it.each([
    [['--profile', 'ha'], 'ha', /^Profile +ha$/m],
    [['--no-profile'], null, /^Profile +chosen by its labels$/m],
  ])('%j', async (args, heartbeatProfile, shown) => {
    setting.server.addHost('a', 'online', { heartbeatProfile: 'old' })
    const { stdout } = await setting.ended(['host', 'set', 'a', ...args])
    expect(sent()).toEqual({ heartbeatProfile })
    expect(stdout).toMatch(shown)
  })

  it('rollcall host set reports a label that cannot be removed because it is not there', async () => {
    setting.server.addHost('a', 'online', { labels: { env: 'prod' } })
    const { exitCode, stderr } = await setting.ended(['host', 'set', 'a', '--remove-label', 'evn,env'])
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: 'rollcall: a has no label evn to remove\n',
    })
    expect(sent()).toEqual({ labels: {}, ifLabels: { env: 'prod' } })
  })

  it.each([
    ['nothing to change', [], 'Say what to change'],
    ['no check of nothing', ['--no-check'], 'Say what to change'],
    ['a password as an argument', ['--password', 'x'], "unknown option '--password'"],
    ['a sudo password both ways', ['--sudo-password-file', '/s', '--no-sudo-password'], 'not both'],
    ['a password both ways', ['--ask-password', '--password-stdin'], 'not both'],
    ['a passphrase without a key', ['--passphrase-file', '/p'], 'needs --key'],
    ['to ask where nobody is', ['--ask-password'], 'needs a terminal'],
    ['ports that cannot be', ['--agent-port', '80'], '  --agent-port: must lie between 1024 and 65535'],
    ['a range backwards', ['--agent-port', '7100-7000'], '  --agent-port: begins with 7100'],
    ['a fingerprint that is none', ['--host-key', 'md5:1'], '  --host-key: must be SHA256:'],
    ['a label both ways', ['--label', 'a=b', '--remove-label', 'a'], 'The label a is both'],
    ['neither on nor off', ['--auto-reinstall', 'yes'], 'It must be on or off.'],
    ['a profile that cannot be', ['--profile', 'HA'], '  --profile: must be lower-case'],
  ])('rollcall host set refuses %s with exit code 2, and changes nothing', async (_what, args, said) => {
    setting.server.addHost('a')
    const { exitCode, stderr } = await setting.ended(['host', 'set', 'a', ...args])
    expect(exitCode).toBe(2)
    expect(stderr).toContain(said)
    expect(setting.server.requests).toEqual([])
  })

  it('a label that cannot be is named', async () => {
    setting.server.addHost('a')
    const { exitCode, stderr } = await setting.ended(['host', 'set', 'a', '--label', 'env=a b'])
    expect(exitCode).toBe(2)
    expect(stderr).toContain('  --label env: must be a label value')
    expect(sent()).toBeUndefined()
  })

  it('changes how a host is reached, with secrets from files and standard input only, and prints none', async () => {
    setting.server.addHost('a')
    const sudo = join(setting.server.dataDir, 'sudo')
    await writeFile(sudo, 'sudo word\n')
    const reach = ['--address', '192.0.2.99', '--port', '2222', '--user', 'ops', '--host-key', FINGERPRINT]
    const { exitCode, stdout, stderr } = await setting.ended(
      ['host', 'set', 'a', ...reach, '--password-stdin', '--sudo-password-file', sudo, '--no-check'],
      { input: 'pass word\n' },
    )
    expect(exitCode).toBe(0)
    expect(sent()).toEqual({
      address: '192.0.2.99',
      port: 2222,
      user: 'ops',
      hostKey: FINGERPRINT,
      credential: { type: 'password', password: 'pass word' },
      sudoPassword: 'sudo word',
      skipCheck: true,
    })
    expect(stdout).toMatch(/^Address +192\.0\.2\.99:2222$/m)
    expect(stdout + stderr).not.toMatch(/pass word|sudo word/)
  })

  it('forgets a sudo password, and takes a key with its passphrase', async () => {
    setting.server.addHost('a')
    const [key, phrase] = ['key', 'phrase'].map((name) => join(setting.server.dataDir, name)) as [
      string,
      string,
    ]
    await writeFile(key, 'PRIVATE KEY')
    await writeFile(phrase, 'pass phrase\n')
    const args = ['--no-sudo-password', '--key', key, '--passphrase-file', phrase]
    await setting.ended(['host', 'set', 'a', ...args])
    const credential = { type: 'key', privateKey: 'PRIVATE KEY', passphrase: 'pass phrase' }
    expect(sent()).toEqual({ sudoPassword: null, credential })
  })

  it('rollcall host set follows the move of an agent, and names the next command if it does not answer', async () => {
    setting.server.addHost('a')
    const { view } = setting.server.addCommand('a', { kind: 'install', program: 'install_agent.yml' })
    setting.server.fleet.changed = { commandId: view.id, isAgentAnswering: null }
    const moved = await setting.ended(['host', 'set', 'a', '--agent-port', '7000'])
    expect(sent()).toEqual({ agentPorts: '7000' })
    expect(moved.stdout).toMatch(/^Agent port +21000, moving to 7000$/m)
    expect(moved.stderr).toContain(
      `the move of the agent on a has started. Follow it with: rollcall command log ${view.id}`,
    )
    setting.server.fleet.changed = { commandId: null, isAgentAnswering: false }
    const silent = await setting.ended(['host', 'set', 'a', '--port', '23'])
    expect(silent.exitCode).toBe(0)
    expect(silent.stderr).toContain('Install it there with: rollcall host install a')
  })
})
