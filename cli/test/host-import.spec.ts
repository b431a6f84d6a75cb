import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { RollcallError } from '@rollcall/contracts'
import { describe, expect, it } from 'vitest'
import { FINGERPRINT } from './fake-host.ts'
import { withServer } from './setting.ts'

const setting = withServer()

const file = async (name: string, content: string) => {
  const path = join(setting.server.dataDir, name)
  await writeFile(path, content)
  return path
}
const added = () => setting.server.requests.filter(({ name }) => name === 'addHost').map(({ body }) => body)

const INVENTORY = `[web]
web-1 ansible_host=192.0.2.1 ansible_user=deploy ansible_password=s3cret
web-2 ansible_host=192.0.2.2 ansible_ssh_common_args='-J bastion'
[prod:children]
web
this line is nothing
`

describe('rollcall host import', () => {
  it('--dry-run shows what would be added and why not, sends nothing, and shows no password', async () => {
    const path = await file('hosts', INVENTORY)
    const { exitCode, stdout, stderr } = await setting.ended([
      'host',
      'import',
      path,
      '--dry-run',
      '--label',
      'env=x',
    ])
    expect(exitCode).toBe(0)
    expect(stdout.split('\n').map((line) => line.trimEnd())).toEqual([
      'ADD  NAME   ADDRESS    PORT  USER    LABELS            NOTE',
      'yes  web-1  192.0.2.1  22    deploy  prod=,web=,env=x  its password is not imported',
      'no   web-2  192.0.2.2  22    root    prod=,web=,env=x  reached through a jump host (bastion)',
      '',
    ])
    expect(stderr).toContain('ignored: line 6: this line is nothing')
    expect(stdout + stderr).not.toContain('s3cret')
    expect(setting.server.requests).toEqual([])
  })

  it('rollcall host import adds hosts with labels of all parent groups, and reports skipped ones', async () => {
    const path = await file('hosts', INVENTORY)
    const key = await file('key', 'PRIVATE KEY')
    const { exitCode, stderr } = await setting.ended(['host', 'import', path, '--key', key])
    expect(exitCode).toBe(0)
    expect(added()).toEqual([
      expect.objectContaining({
        name: 'web-1',
        address: '192.0.2.1',
        user: 'deploy',
        hostKey: FINGERPRINT,
        labels: { web: '', prod: '' },
        credential: { type: 'key', privateKey: 'PRIVATE KEY' },
      }),
    ])
    expect(stderr).toContain('skipped web-2: reached through a jump host (bastion)')
  })

  it('rollcall host import continues after a refused host, and exits with 1', async () => {
    const path = await file('list', 'a.example.com a\nb.example.com b\n')
    const key = await file('key', 'PRIVATE KEY')
    setting.server.onRequest = ({ name, body }) => {
      if (name === 'addHost' && (body as { name: string }).name === 'a')
        throw new RollcallError('host.name_taken', 'There is a host a already.')
      return 'answer'
    }
    const { exitCode, stderr } = await setting.ended(['host', 'import', path, '--key', key])
    expect(exitCode).toBe(1)
    expect(added()).toHaveLength(2)
    expect(stderr).toContain('not added: There is a host a already.')
    expect(stderr).toContain('1 of 2 hosts could not be added')
  })

  it('rollcall host import uses the key file of an OpenSSH config, and follows its Include', async () => {
    const key = await file('id_own', 'OWN KEY')
    await file('more.conf', `Host included\n  HostName 192.0.2.9\n  IdentityFile ${key}\n`)
    const config = await file('config', `Include ${setting.server.dataDir}/more.*\n`)
    const { exitCode } = await setting.ended(['host', 'import', config, '--format', 'ssh'])
    expect(exitCode).toBe(0)
    expect(added()).toEqual([
      expect.objectContaining({
        name: 'included',
        address: '192.0.2.9',
        credential: { type: 'key', privateKey: 'OWN KEY' },
      }),
    ])
  })

  it('rollcall host import without a credential says how to give one, and adds nothing', async () => {
    const { exitCode, stderr } = await setting.ended(['host', 'import', await file('list', 'a\n')])
    expect(exitCode).toBe(1)
    expect(stderr).toContain('Say how to sign in')
    expect(added()).toEqual([])
  })
})
