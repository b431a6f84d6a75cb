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
