import { once } from 'node:events'
import { request } from 'node:https'
import { connect } from 'node:net'
import type { Attack } from './attack.ts'

/** Attacks on an agent from its network. */
export const AGENTS: readonly Attack[] = [
  {
    name: 'Somebody without its key learns from an agent more than that something answers',
    async run(setting) {
      const { agent, address } = await setting.host('mine')
      const port = agent?.port
      if (port === undefined) throw new Error('there is no agent')
      const answers = new Set<string>()
      for (const [method, path] of [
        ['GET', '/'],
        ['POST', '/rpc'],
        ['POST', `/${'a'.repeat(24)}/rpc`],
        ['PUT', '/x'],
        ['GET', '/health'],
      ] as const)
        answers.add(await toAnswer(address, port, method, path))
      return answers.size === 1 ? [] : [`answers differ: ${[...answers].join(' | ').slice(0, 400)}`]
    },
  },
  {
    name: 'A flood of connections keeps the server from its agent',
    async run(setting, { isShort }) {
      const { agent, address } = await setting.host('mine')
      if (!agent) throw new Error('there is no agent')
      let isOver = false
      let opened = 0
      const endsAt = Date.now() + (isShort ? 8000 : 30_000)
      const flood = Array.from({ length: 50 }, async () => {
        while (!isOver && Date.now() < endsAt) {
          const socket = connect(agent.port, address).on('error', () => undefined)
          await Promise.race([once(socket, 'connect'), once(socket, 'close')]).catch(() => undefined)
          opened++
          setTimeout(() => socket.destroy(), 2000).unref()
          await new Promise((resolve) => setTimeout(resolve, 25))
        }
      })
      const found: string[] = []
      try {
        for (let i = 0; i < 3; i++) {
          const started = Date.now()
          const [command] = await setting.api.run({ hosts: ['mine'], program: 'true' })
          const ended = await setting.api.ended(command?.id ?? '', 30_000)
          if (ended.state !== 'success') found.push(`a command is ${ended.state} under ${opened} connections`)
          if (Date.now() - started > 15_000)
            found.push(`a command took ${Date.now() - started} ms under ${opened} connections`)
        }
      } finally {
        isOver = true
        await Promise.all(flood)
      }
      return found
    },
  },
]

function toAnswer(host: string, port: number, method: string, path: string): Promise<string> {
  return new Promise((resolve) => {
    const asked = request(
      { host, port, method, path, rejectUnauthorized: false, headers: { 'x-agent-token': 'guess' } },
      (response) => {
        const pieces: Buffer[] = []
        response.on('data', (piece) => pieces.push(piece))
        response.on('end', () => {
          const { date: _date, ...headers } = response.headers
          resolve(`${response.statusCode} ${JSON.stringify(headers)} ${Buffer.concat(pieces)}`)
        })
      },
    )
    asked.on('error', (error) => resolve(`closed: ${(error as NodeJS.ErrnoException).code ?? error.message}`))
    asked.end()
  })
}
