import { Command, Option } from 'commander'
import { expect, it } from 'vitest'
import { complete } from './complete.ts'

function sample(): Command {
  const program = new Command('rollcall')
  const host = program.command('host').description('hosts')
  host
    .command('list')
    .option('--json')
    .addOption(new Option('--state <state>').choices(['online', 'offline']))
  host.command('show <name>').description('one host')
  host.command('add <name>')
  program.command('run').argument('[argv...]').option('--host <names>').option('--label <selector>')
  program.command('words', { hidden: true })
  return program
}

const HOSTS = ['web-1', 'web-2', 'db-1']

async function wordsAfter(...line: string[]) {
  return (await complete(sample(), line, async () => HOSTS)).map(({ word }) => word)
}

it('completion offers matching commands, but no hidden ones', async () => {
  expect(await wordsAfter('')).toEqual(['host', 'run'])
  expect(await wordsAfter('ho')).toEqual(['host'])
  expect(await wordsAfter('host', '')).toEqual(['list', 'show', 'add'])
})

it('completion offers host names for existing hosts, and none for a new one', async () => {
  expect(await wordsAfter('host', 'show', 'web')).toEqual(['web-1', 'web-2'])
  expect(await wordsAfter('host', 'show', 'web-1', '')).toEqual([])
  expect(await wordsAfter('host', 'add', '')).toEqual([])
})

it('completion offers host names for --host, after commas and = too', async () => {
  expect(await wordsAfter('run', '--host', '')).toEqual(HOSTS)
  expect(await wordsAfter('run', '--host', 'web-1,d')).toEqual(['web-1,db-1'])
  expect(await wordsAfter('run', '--host=web')).toEqual(['--host=web-1', '--host=web-2'])
})

it('completion offers options and their values', async () => {
  expect(await wordsAfter('host', 'list', '--')).toEqual(['--json', '--state', '--help'])
  expect(await wordsAfter('host', 'list', '--state', 'o')).toEqual(['online', 'offline'])
  expect(await wordsAfter('run', '--label', '')).toEqual([])
})

it('completion offers nothing after --, where a program of the hosts follows', async () => {
  expect(await wordsAfter('run', '--host', 'web-1', '--', 'web')).toEqual([])
})

it('completion asks for hosts only where they are allowed', async () => {
  const ask = () => Promise.reject(new Error('asked'))
  await expect(complete(sample(), ['host', 'li'], ask)).resolves.toHaveLength(1)
})
