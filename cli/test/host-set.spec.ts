import { describe, expect, it } from 'vitest'
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

  it('sends nothing of what was not named, and reads no labels that it does not change', async () => {
    setting.server.addHost('a')
    await setting.ended(['host', 'set', 'a', '--auto-reinstall', 'off'])
    expect(sent()).toEqual({ autoReinstall: false })
    expect(setting.server.requests.map(({ name }) => name)).toEqual(['changeHost'])
  })

  it.each([
    [['--profile', 'ha'], 'ha', /^Profile +ha$/m],
    [['--no-profile'], null, /^Profile +as its labels decide$/m],
  ])('%j', async (args, heartbeatProfile, shown) => {
    setting.server.addHost('a', 'online', { heartbeatProfile: 'old' })
    const { stdout } = await setting.ended(['host', 'set', 'a', ...args])
    expect(sent()).toEqual({ heartbeatProfile })
    expect(stdout).toMatch(shown)
  })

  it('tells of a label that was not there to be removed', async () => {
    setting.server.addHost('a', 'online', { labels: { env: 'prod' } })
    const { exitCode, stderr } = await setting.ended(['host', 'set', 'a', '--remove-label', 'evn,env'])
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: 'rollcall: a has no label evn; nothing to remove\n',
    })
    expect(sent()).toEqual({ labels: {}, ifLabels: { env: 'prod' } })
  })

  it.each([
    ['nothing to change', [], 'Say what to change'],
    ['a label both ways', ['--label', 'a=b', '--remove-label', 'a'], 'The label a is both'],
    ['neither on nor off', ['--auto-reinstall', 'yes'], 'It must be on or off.'],
    ['a profile that cannot be', ['--profile', 'HA'], '  --profile: must be lower-case'],
  ])('refuses %s with exit code 2, and changes nothing', async (_what, args, said) => {
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
})
