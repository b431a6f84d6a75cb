import { RollcallError } from '@rollcall/contracts'
import { describe, expect, it } from 'vitest'
import { withServer } from './setting.ts'

const setting = withServer()
const sent = () => setting.server.requests.at(-1)

describe('rollcall profile', () => {
  it('rollcall profile list shows bounds as durations', async () => {
    setting.server.fleet.profiles.push(
      { name: 'ha', minMs: 4000, maxMs: 6500, offlineAfterMs: 15_000, labels: { tier: 'ha', env: 'prod' } },
      { name: 'slow', minMs: 60_000, maxMs: 3_600_000, offlineAfterMs: null, labels: null },
    )
    expect((await setting.ended(['profile', 'list'])).stdout.split('\n')).toEqual([
      'NAME     CALLED EVERY  OFFLINE                  FOR HOSTS',
      'default  20s to 1m     when all retries failed  all others',
      'ha       4s to 6500ms  after 15s                with tier=ha,env=prod',
      'slow     1m to 1h      when all retries failed  assigned ones',
      '',
    ])
    const { profiles } = JSON.parse((await setting.ended(['profile', 'list', '--json'])).stdout)
    expect(profiles).toEqual(setting.server.fleet.profiles)
  })

  it('rollcall profile add converts durations to milliseconds', async () => {
    const bounds = ['--min', '4s', '--max', '0.1m', '--offline-after', '15s']
    const { stdout } = await setting.ended(['profile', 'add', 'ha', ...bounds, '--label', 'tier=ha'])
    expect(sent()?.body).toEqual({
      name: 'ha',
      minMs: 4000,
      maxMs: 6000,
      offlineAfterMs: 15_000,
      labels: { tier: 'ha' },
    })
    expect(stdout).toMatch(/^ha +4s to 6s +after 15s +with tier=ha$/m)
  })

  it.each([
    [['--max', '90s'], { maxMs: 90_000 }],
    [['--no-offline-after'], { offlineAfterMs: null }],
    [['--offline-after', '2m'], { offlineAfterMs: 120_000 }],
    [['--no-labels'], { labels: null }],
    [['--label', 'a=b'], { labels: { a: 'b' } }],
  ])('set %j sends that and nothing else', async (args, body) => {
    const { exitCode } = await setting.ended(['profile', 'set', 'default', ...args])
    expect({ exitCode, body: sent()?.body }).toEqual({ exitCode: 0, body })
  })

  it('rollcall profile remove removes a profile', async () => {
    setting.server.fleet.profiles.push({
      name: 'x',
      minMs: 1000,
      maxMs: 2000,
      offlineAfterMs: null,
      labels: null,
    })
    const { exitCode, stderr } = await setting.ended(['profile', 'remove', 'x'])
    expect({ exitCode, stderr }).toEqual({
      exitCode: 0,
      stderr: 'rollcall: removed\n',
    })
    expect(setting.server.fleet.profiles.map(({ name }) => name)).toEqual(['default'])
  })

  it.each([
    [['add', 'x'], "required option '--min <duration>' not specified"],
    [
      ['add', 'x', '--min', '20', '--max', '1m'],
      "option '--min <duration>' argument '20' is invalid. It must be a duration from 1s to 1d, written as 500ms, 20s, 1m or 2h.",
    ],
    [['add', 'x', '--min', '500ms', '--max', '1m'], "option '--min <duration>' argument '500ms'"],
    [['set', 'x', '--offline-after', '2d'], "option '--offline-after <duration>' argument '2d'"],
    [
      ['add', 'x', '--min', '2m', '--max', '1m'],
      '  --min: is 2m, more than --max, which is 1m; choose --min ≤ --max\n',
    ],
    [
      ['set', 'x', '--max', '20s', '--offline-after', '20s'],
      '  --offline-after: is 20s, not more than --max, which is 20s: a sound host would be called offline',
    ],
    [['add', 'X!', '--min', '1s', '--max', '2s'], '  name: must be lower-case letters, digits and dashes\n'],
    [['set', 'x', '--label', 'a b=c'], '  --label a b: '],
    [['set', 'x'], 'Say what to change: --min'],
    [['set', 'x', '--label', 'a=b', '--no-labels'], 'either --label or --no-labels'],
  ])('%j is refused with the option and the remedy, before anything is sent', async (args, said) => {
    const { exitCode, stderr } = await setting.ended(['profile', ...args])
    expect(stderr).toContain(said)
    expect(exitCode).toBe(2)
    expect(setting.server.requests).toEqual([])
  })

  it('what only the server can know is told of the option too', async () => {
    setting.server.onRequest = () => {
      throw new RollcallError('request.invalid', 'The profile would be impossible.', {
        fields: [
          { field: 'minMs', message: 'is 90000, more than maxMs, which is 60000; choose minMs ≤ maxMs' },
        ],
      })
    }
    expect(await setting.ended(['profile', 'set', 'default', '--min', '90s'])).toMatchObject({
      exitCode: 1,
      stderr:
        'error: The request is not valid. (request.invalid)\n  --min: is 90s, more than --max, which is 1m; choose --min ≤ --max\n',
    })
  })
})
