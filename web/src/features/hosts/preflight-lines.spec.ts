import { expect, it } from 'vitest'
import { preflightLines } from './preflight-lines.ts'

it('preflight checks are read with what to do about them', () => {
  const text = [
    'Checking the host; nothing is changed yet',
    'Debian GNU/Linux 12 (bookworm), kernel 6.1',
    '  ok    architecture: x86_64',
    '  FAIL  disk /: 12 MiB free; 514 MiB are required for /opt. Free some space.',
    'Uploading',
    '',
  ].join('\n')
  expect(preflightLines(text)).toEqual([
    { name: 'architecture', isOk: true, message: 'x86_64' },
    {
      name: 'disk /',
      isOk: false,
      message: '12 MiB free; 514 MiB are required for /opt. Free some space.',
    },
  ])
})

it('what a program on the host writes later is no preflight result', () => {
  const text = '  ok    root: signed in as root\nTASK [x]\n  ok    evil: forged\n'
  expect(preflightLines(text).map(({ name }) => name)).toEqual(['root'])
})
