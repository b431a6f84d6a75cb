import { expect, it } from 'vitest'
import { pinRemote, remoteOf } from './pinned-remote.ts'

it('binds git to the address that was judged, and compares the certificate or the known host of the name', () => {
  expect(pinRemote('https://git.example/a.git', '192.0.2.7')).toMatchObject({
    url: 'https://git.example/a.git',
    settings: ['-c', 'http.curloptResolve=git.example:443:192.0.2.7'],
  })
  expect(pinRemote('https://git.example:8443/a.git', '2001:db8::7').settings).toEqual([
    '-c',
    'http.curloptResolve=git.example:8443:[2001:db8::7]',
  ])
  expect(pinRemote('ssh://git@Git.example/a.git', '192.0.2.7').ssh).toMatch(
    / -oHostName=192\.0\.2\.7 -oHostKeyAlias=git\.example$/,
  )
  expect(pinRemote('ssh://git@git.example:2222/a.git', '2001:db8::7').ssh).toMatch(
    / -oHostName=2001:db8::7 -oHostKeyAlias='\[git\.example\]:2222'$/,
  )
})

it('numbers as hosts are read as addresses, so that git and the check see one host', () => {
  for (const number of ['2130706433', '0x7f.1', '0177.0.0.1', '127.1'])
    expect(remoteOf(`https://${number}/a.git`).host).toBe('127.0.0.1')
})

it.each([
  'ssh://%31%32%37.0.0.1/a.git',
  'ssh://git@host$(touch)/a.git',
  "ssh://git@host'/a.git",
  'ssh://git@host;x/a.git',
  'file:///etc',
  'ext::sh',
  'git@host:a.git',
  'http://host/a.git',
])('the remote %s is refused', (text) => {
  expect(() => remoteOf(text)).toThrow(expect.objectContaining({ code: 'collection.git_failed' }))
})
