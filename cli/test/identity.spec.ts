import { describe, expect, it } from 'vitest'
import { withServer } from './setting.ts'

const setting = withServer()
const [OLD, NEW] = [`sha256/${'O'.repeat(43)}=`, `sha256/${'N'.repeat(43)}=`]
const old = { pin: OLD, createdAt: '2026-01-01T00:00:00.000Z', agents: 3 }
const renewed = { identities: [{ pin: NEW, createdAt: '2026-03-01T10:00:00.000Z', agents: 0 }, old] }

describe('rollcall identity', () => {
  it('rollcall identity shows how many agents know each certificate', async () => {
    setting.server.handlers.listServerIdentities = () => ({ identities: [old] })
    const { exitCode, stdout } = await setting.ended(['identity'])
    expect({ exitCode, stdout }).toEqual({
      exitCode: 0,
      stdout: expect.stringContaining(`${OLD}  2026-01-01T00:00:00.000Z  3`),
    })
  })

  it('renew makes a new one', async () => {
    setting.server.handlers.renewServerIdentity = () => renewed
    const { exitCode, stdout } = await setting.ended(['identity', 'renew', '--json'])
    expect({ exitCode, shown: JSON.parse(stdout) }).toEqual({ exitCode: 0, shown: renewed })
  })
})
