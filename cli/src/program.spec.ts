import { expect, it } from 'vitest'
import type { Context } from './context.ts'
import { buildProgram, COMMAND_NAMES } from './program.ts'

const context = {} as Context

it('loads the one command that is used, and it is the one of that name', async () => {
  for (const name of COMMAND_NAMES) {
    const program = await buildProgram(context, '1.2.3', [name, '--help'])
    expect(program.commands.map((command) => command.name())).toEqual([name])
  }
})

it('loads every command where none is named, so that help lists them all', async () => {
  const program = await buildProgram(context, '1.2.3', ['--help'])
  expect(program.commands.map((command) => command.name()).sort()).toEqual([...COMMAND_NAMES].sort())
})
