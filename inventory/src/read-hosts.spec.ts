import { expect, it } from 'vitest'
import { readHosts } from './index.ts'

const only = (text: string) => readHosts(text).hosts[0]
const problems = (text: string) => only(text)?.problems

it('a plain list of users, addresses, ports and names is read', () => {
  const { hosts, unread } = readHosts(
    'root@192.0.2.10 web-01\nadmin@[2001:db8::1]:2222 six\n192.0.2.11:23\nme@db.example.com\n',
  )
  expect(unread).toEqual([])
  expect(hosts.map(({ name, address, port, user }) => [name, address, port, user])).toEqual([
    ['web-01', '192.0.2.10', 22, 'root'],
    ['six', '2001:db8::1', 2222, 'admin'],
    ['192.0.2.11', '192.0.2.11', 23, undefined],
    ['db.example.com', 'db.example.com', 22, 'me'],
  ])
})

it.each([
  ['w ansible_connection=winrm', 'windows'],
  ['w ansible_shell_type=powershell', 'windows'],
  ['localhost ansible_connection=local', 'local'],
  ['localhost', 'local'],
  ['c ansible_connection=community.docker.docker', 'not_ssh'],
  ["a ansible_ssh_common_args='-J bastion'", 'jump_host'],
  ["a ansible_ssh_common_args='-o ProxyJump=u@bastion'", 'jump_host'],
  [`a ansible_ssh_extra_args='-o ProxyCommand="ssh -W %h:%p gate"'`, 'proxy_command'],
  ['a ansible_host="{{ inventory_hostname }}.example.com"', 'template'],
  ['a ansible_become_method=doas', 'become'],
  ['a ansible_become_user=deploy', 'become'],
  ['a ansible_port=99999', 'port'],
  ['a ansible_host=not/an/address', 'address'],
  ['a ansible_user="a b"', 'user'],
  ['0d0f4c1e-7a3e-4a5b-9d51-0f9a8e2b7c11', 'name'],
])('a host with an unsupported setting is not selected: %s', (line, code) => {
  expect(problems(line)).toEqual([expect.objectContaining({ code })])
})

it('passwords are neither imported nor shown, but noted', () => {
  const read = readHosts('a ansible_password=s3cret ansible_become_pass=s3cret\nb x\n')
  expect(read.hosts[0]?.notes).toEqual(['password'])
  expect(JSON.stringify(read.hosts)).not.toContain('s3cret')
})

it('every unreadable line is reported with a reason, and the others are read', () => {
  const { hosts, unread } = readHosts(
    '[web]\nok\nthis is not, a host line !!\n[web:nonsense]\nlost\n[db]\nalso"\n[x:children]\nnowhere\n',
  )
  expect(hosts.map(({ name }) => name)).toEqual(['ok'])
  expect(unread.map(({ line }) => line)).toEqual([3, 4, 5, 7, 9])
  for (const { reason } of unread) expect(reason).not.toBe('')
})

it('encrypted values of YAML are unknown, and no addresses', () => {
  const text =
    'g:\n  hosts:\n    a:\n      ansible_host: !vault |\n        $ANSIBLE_VAULT;1.1;AES256\n        61\n'
  expect(problems(text)).toEqual([{ code: 'vault', detail: 'ansible_host' }])
})

it('a Match that only ssh can decide is reported as undecided', () => {
  const { hosts } = readHosts('Match exec "test -e /vpn"\n  User v\nHost a\n  HostName 192.0.2.1\n')
  expect(hosts).toEqual([
    expect.objectContaining({ name: 'a', user: undefined, problems: [{ code: 'match', detail: 'exec' }] }),
  ])
})

it('the files of an Include are named if they cannot be read', () => {
  const { unread } = readHosts('Include conf.d/*\nHost a\n')
  expect(unread).toEqual([
    expect.objectContaining({ line: 1, reason: expect.stringContaining('rollcall host import') }),
  ])
})

it.each([
  [
    'aliases that multiply',
    `a: &a {hosts: {h: }}\n${Array.from({ length: 24 }, (_, i) => `g${i}: &g${i} {children: {x${i}: *${i === 0 ? 'a' : `g${i - 1}`}, y${i}: *${i === 0 ? 'a' : `g${i - 1}`}}}`).join('\n')}\n`,
  ],
  ['a merge of itself', 'a:\n  hosts:\n    h: &h\n      <<: *h\n      x: 1\n'],
  ['a range of a million', 'web[1:1000000]\n'],
  ['ranges that multiply', 'a[1:999]b[1:999]c[1:999]\n'],
  ['a group below itself', '[a:children]\nb\n[b:children]\na\n[a]\nx\n'],
  ['a word of a megabyte', `${'a:'.repeat(500_000)}!\n`],
])('reading ends with an error for %s', (_what, text) => {
  const started = performance.now()
  expect(readHosts(text).unread.length).toBeGreaterThan(0)
  expect(performance.now() - started).toBeLessThan(20_000)
})

it('a text of unreasonable length is refused', () => {
  expect(readHosts('a\n'.repeat(3_000_000)).unread).toEqual([expect.objectContaining({ line: 0 })])
})
