import { expect, it } from 'vitest'
import { readHosts } from './host-list-text.ts'

it('reads an OpenSSH config, and takes patterns for no hosts', () => {
  const text =
    'Host *\n  User admin\nHost web db\n  HostName %h.example # ours\n  Port=2222\nHost gw\n  User root\n'
  expect(readHosts(text).hosts).toEqual([
    { name: 'web', address: 'web.example', port: 2222, labels: {} },
    { name: 'db', address: 'db.example', port: 2222, labels: {} },
    { name: 'gw', address: 'gw', port: 22, user: 'root', labels: {} },
  ])
})

it('reads an Ansible inventory: groups become labels, variables of groups no hosts', () => {
  const text =
    '[web]\na ansible_host=192.0.2.1 ansible_user=me\nb ansible_port=2200\n[prod]\na\n[web:vars]\nx=1\n'
  expect(readHosts(text).hosts).toEqual([
    { name: 'a', address: '192.0.2.1', port: 22, user: 'me', labels: { web: '', prod: '' } },
    { name: 'b', address: 'b', port: 2200, labels: { web: '' } },
  ])
})

it('reads a plain list, and tells what it could not read', () => {
  const { hosts, unread } = readHosts(
    'root@192.0.2.7:2222 edge-1\n[2001:db8::1]:22\n\n# note\nwhat is/this?\n',
  )
  expect(hosts).toEqual([
    { name: 'edge-1', address: '192.0.2.7', port: 2222, user: 'root', labels: {} },
    { name: '2001-db8--1', address: '2001:db8::1', port: 22, labels: {} },
  ])
  expect(unread).toEqual([{ line: 5, text: 'what is/this?' }])
})

it('reads an Ansible inventory in YAML: nested groups become labels, one host in two groups stays one host', () => {
  const text = `---
all:
  vars: # of all
    ansible_user: nobody
  children:
    web:
      hosts:
        web-1:
          ansible_host: 192.0.2.1
          ansible_port: 2222
        web-2: {}
    prod:
      children:
        db:
          hosts:
            "db-1":
              ansible_host: '192.0.2.9'
              ansible_user: admin
      hosts:
        web-1:
        - what is this
`
  expect(readHosts(text)).toEqual({
    hosts: [
      { name: 'web-1', address: '192.0.2.1', port: 2222, labels: { web: '', prod: '' } },
      { name: 'web-2', address: 'web-2', port: 22, labels: { web: '' } },
      { name: 'db-1', address: '192.0.2.9', port: 22, user: 'admin', labels: { prod: '', db: '' } },
    ],
    unread: [{ line: 21, text: '        - what is this' }],
  })
})

it('a host name that no host may have is told, and takes no other host with it', () => {
  const { hosts, unread } = readHosts('web:\n  hosts:\n    <b>x</b>:\n    ok-1:\n')
  expect(hosts.map(({ name }) => name)).toEqual(['ok-1'])
  expect(unread).toEqual([{ line: 3, text: '<b>x</b>' }])
})
