import { readFile } from 'node:fs/promises'
import { beforeAll, describe, expect, it } from 'vitest'
import type { Host } from '../../bed/index.ts'
import { poll } from '../../bed/poll.ts'
import { sshRun } from '../../bed/ssh-run.ts'
import type { Api } from '../../fleet/api.ts'
import type { Fleet } from '../../fleet/fleet.ts'
import type { ServerProcess } from '../../fleet/server-process.ts'
import { addPlaybooks } from '../own-playbooks.ts'

const SHOWN = ['HOME', 'LANG', 'LOGNAME', 'PATH', 'SHELL', 'USER', 'http_proxy']
const SHOW = `umask; for name in ${SHOWN.join(' ')}; do eval "echo $name=\\$$name"; done`

/** Bytes of one command's output that the server stores. */
export const MAX_STORED_BYTES = 300_000

/** Makes a file, a folder and a temporary file as tasks do, and shows what they find. */
const PLAYBOOK: [path: string, content: string][] = [
  ['show.yml', '- name: Shows\n  hosts: all\n  gather_facts: false\n  roles: [showing]\n'],
  ['roles/showing/meta/argument_specs.yml', 'argument_specs:\n  main:\n    options: {}\n'],
  [
    'roles/showing/tasks/main.yml',
    `- name: Show
  ansible.builtin.shell: |
    {
      umask; echo "$HOME"; echo ~; echo "$http_proxy"
      touch /var/tmp/by-playbook
    } > /var/tmp/shown
  changed_when: false
- name: A temporary file
  ansible.builtin.copy: {content: x, dest: /var/tmp/copied}
- name: Say where Ansible keeps its own
  ansible.builtin.copy:
    content: "{{ lookup('ansible.builtin.config', 'DEFAULT_LOCAL_TMP') }} {{ lookup('ansible.builtin.config', 'remote_tmp', plugin_type='shell', plugin_name='sh') }}"
    dest: /var/tmp/where
`,
  ],
]

interface Cast {
  fleet: () => Fleet
  plain: () => Host
  /** With a umask of 027 and a proxy for everybody who signs in. */
  strict: () => Host
}

/** Commands, terminals and playbooks, compared with what `ssh root@host` runs. */
export const rootLoginStories = (cast: Cast) =>
  describe('what Rollcall runs on a host', () => {
    let hosts: [plain: Host, strict: Host]
    let server: ServerProcess
    let api: Api
    let privateKey: string

    beforeAll(async () => {
      const fleet = cast.fleet()
      ;({ server, api } = fleet)
      hosts = [cast.plain(), cast.strict()]
      privateKey = await readFile(fleet.bed.key.path, 'utf8')
      await addPlaybooks(server, 'shows', PLAYBOOK)
    })

    const overSsh = async (host: Host, script: string) =>
      (await sshRun({ host: host.address, username: 'root', privateKey }, script)).trim()
    const byCommand = async (host: Host, script: string, more: object = {}) => {
      const [command] = await api.run({ hosts: [host.name], program: 'sh', args: ['-c', script], ...more })
      const id = command?.id ?? ''
      expect((await api.ended(id)).state, await api.text(id)).toBe('success')
      return (await api.text(id)).replaceAll('\r', '').trim()
    }
    const modeOf = async (host: Host, path: string) =>
      (await host.output(['stat', '--format=%a', path])).trim()

    it.each([0, 1])('a command has the umask and environment of ssh root@host (host %i)', async (i) => {
      const host = hosts[i] as Host
      const login = await overSsh(host, SHOW)
      // A host that names no locale gets UTF-8, as an ssh client sends it.
      const expected = login.replace(/^LANG=$/m, 'LANG=C.UTF-8')
      expect(await byCommand(host, SHOW)).toBe(expected)
      expect(await byCommand(host, SHOW, { tty: true })).toBe(expected)
      expect(login).toContain(i === 0 ? '0022' : '0027')
    })

    it('the agent is reached from the addresses of servers only, and its memory is never swapped', async () => {
      for (const host of hosts) {
        const shown = await host.output([
          'systemctl',
          'show',
          'rollcall-agent',
          '--property=IPAddressAllow,IPAddressDeny,LimitCORE,CPUQuotaPerSecUSec',
        ])
        expect(shown).toMatch(/^IPAddressAllow=.*10\.0\.0\.0\/8.*$/m)
        expect(shown).toMatch(/^IPAddressDeny=.*0\.0\.0\.0\/0.*$/m)
        expect(shown).toMatch(/^LimitCORE=0$/m)
        expect(shown).toMatch(/^CPUQuotaPerSecUSec=800ms$/m)
      }
    })

    it('a command makes files that a service can read, and the files of the agent are for root only', async () => {
      const [host] = hosts
      await byCommand(host, 'mkdir -p /srv/site/below && echo x > /srv/site/below/page')
      expect(await modeOf(host, '/srv/site/below')).toBe('755')
      expect(await modeOf(host, '/srv/site/below/page')).toBe('644')
      const own = 'find /var/lib/rollcall-agent /run/rollcall-agent /etc/rollcall-agent -perm /077 ! -type l'
      expect(await host.output(['sh', '-c', own])).toBe('')
    })

    it.each([
      ['cancelled', 'setsid sleep 345 & env -i setsid sleep 345 & wait'],
      ['timed_out', '(setsid sleep 345 &) ; env -i setsid sleep 345 & wait'],
    ])('a %s command reports the processes that it left behind', async (state, script) => {
      const [host] = hosts
      const more = state === 'timed_out' ? { timeoutMs: 2000 } : {}
      const [command] = await api.run({
        hosts: [hosts[0].name],
        program: 'sh',
        args: ['-c', script],
        ...more,
      })
      const id = command?.id ?? ''
      const sleeping = async () =>
        (await host.exec(['pgrep', '-fx', 'sleep 345'])).stdout.split('\n').filter(Boolean)
      await poll(async () => (await sleeping()).length === 2, { timeoutMs: 20_000, what: 'both to sleep' })
      if (state === 'cancelled') await api.call('cancelCommand', { params: { id } })
      const ended = await api.ended(id)
      const left = await sleeping()
      await host.exec(['pkill', '-fx', 'sleep 345'])
      expect(ended.state).toBe(state)
      expect(ended.reason).toMatch(/^2 processes left: sleep \(\d+\), sleep \(\d+\)\.$/)
      for (const pid of left) expect(ended.reason).toContain(`(${pid})`)
      const { stdout } = await server.cli('command', 'show', id)
      expect(stdout).toContain('2 processes left: sleep')
    })

    it('output is stored up to the bound of the server, with a mark and a count of what was cut', async () => {
      const script = 'echo begin; head -c 3000000 /dev/zero | tr "\\0" x; echo end'
      const [command] = await api.run({ hosts: [hosts[0].name], program: 'sh', args: ['-c', script] })
      const id = command?.id ?? ''
      const ended = await api.ended(id)
      const chunks = await api.output(id)
      let offset = 0
      for (const chunk of chunks) {
        expect(chunk.offset).toBe(offset)
        offset += chunk.data.length
      }
      expect(ended).toMatchObject({ state: 'success', outputBytes: offset })
      const text = Buffer.concat(chunks.map(({ data }) => data)).toString()
      expect(text).toMatch(/^begin\nx+\r\n\[rollcall\] output is cut here: .*ROLLCALL_OUTPUT_BYTES\)\r\n/)
      expect(text).toContain(`${ended.droppedBytes} bytes of it were cut`)
      expect(MAX_STORED_BYTES + ended.droppedBytes).toBe('begin\nend\n'.length + 3_000_000)
      const { stdout, stderr } = await server.cli('command', 'show', id)
      expect(stdout + stderr).toContain(`${ended.droppedBytes} more were dropped`)
    })

    it('a terminal is the login shell of root in the home of root', async () => {
      const [, host] = hosts
      const { command } = await api.call('openTerminal', {
        params: { host: hosts[1].name },
        body: {
          columns: 80,
          rows: 24,
        },
      })
      await api.until(command.id, (seen) => seen.state === 'running' && seen.outputBytes > 0)
      const line = 'umask > /var/tmp/typed; pwd >> /var/tmp/typed; echo "$0" >> /var/tmp/typed; exit\r'
      const data = Buffer.from(line).toString('base64')
      await api.call('writeInput', { params: { id: command.id }, body: { offset: 0, data } })
      await api.ended(command.id)
      const typed = await host.output(['cat', '/var/tmp/typed'])
      expect(typed.split('\n').slice(0, 2)).toEqual(['0027', '/root'])
      expect(typed).toContain('bash')
    })

    it.each([
      ['agent', 0],
      ['agent', 1],
      ['ssh', 1],
    ])(
      'a playbook has the home and umask of root, and temporary files on disk (by %s, host %i)',
      async (via, i) => {
        const host = hosts[i] as Host
        await host.output([
          'sh',
          '-c',
          'rm -f /var/tmp/shown /var/tmp/by-playbook /var/tmp/copied /var/tmp/where',
        ])
        const { commands } = await api.call('runPlaybook', {
          params: { playbook: 'shows/show' },
          body: { hosts: [host.name], via: via as 'agent' | 'ssh', variables: {} },
        })
        const id = commands[0]?.id ?? ''
        expect((await api.ended(id)).state, await api.text(id)).toBe('success')
        const isStrict = i === 1
        expect((await host.output(['cat', '/var/tmp/shown'])).split('\n').slice(0, 4)).toEqual([
          isStrict ? '0027' : '0022',
          '/root',
          '/root',
          isStrict ? 'http://proxy.test:3128' : '',
        ])
        expect(await modeOf(host, '/var/tmp/by-playbook')).toBe(isStrict ? '640' : '644')
        const where = (await host.output(['cat', '/var/tmp/where'])).trim().split(' ')
        for (const path of where) expect(path).toMatch(/^\/var\/tmp\/rollcall-playbook-/)
        expect(
          await host.output([
            'sh',
            '-c',
            'ls -d /run/rollcall-playbook-* /var/tmp/rollcall-playbook-* || true',
          ]),
        ).toBe('')
      },
    )
  })
