import type { Server } from 'node:http'
import {
  type AgentChange,
  type AgentView,
  type LiveEvent,
  liveEvent,
  liveRequest,
} from '@rollcall/contracts/admin'
import { type WebSocket, WebSocketServer } from 'ws'
import type { FakeCommand } from './fake-command.ts'
import { FakeRun } from './fake-run.ts'

/** `/ws` of the fake server. */
export class FakeLive {
  /** Offsets that viewers asked to follow from. */
  readonly followed: { commandId: string; offset: number }[] = []
  /** Changes, repeats or swallows what goes out. */
  onLive: (event: LiveEvent) => LiveEvent[] = (event) => [event]
  /** How often the whole fleet was asked for. */
  fleetRequests = 0
  private readonly sockets = new Set<WebSocket>()
  /** Runs that viewers asked to follow. */
  readonly followedRuns: string[] = []
  private readonly watchers = new Set<WebSocket>()
  private readonly find: (commandId: string) => FakeCommand | undefined
  private readonly findRun: (runId: string) => FakeRun | undefined
  private readonly agents: () => AgentView[]

  constructor(
    find: (commandId: string) => FakeCommand | undefined,
    findRun: (runId: string) => FakeRun | undefined,
    agents: () => AgentView[],
  ) {
    this.find = find
    this.findRun = findRun
    this.agents = agents
  }

  attach(http: Server, apiKey: string): void {
    const live = new WebSocketServer({ noServer: true })
    http.on('upgrade', (request, socket, head) => {
      if (request.headers.authorization !== `Bearer ${apiKey}`)
        return void socket.end('HTTP/1.1 401 Unauthorized\r\ncontent-length: 9\r\n\r\nWrong key')
      live.handleUpgrade(request, socket, head, (ws) => this.serveLive(ws))
    })
  }

  dropViewers(): void {
    for (const socket of this.sockets) socket.terminate()
  }

  /** Tells those who watch the fleet what is new. */
  tellFleet(agents: AgentChange[], removed: string[] = []): void {
    for (const socket of this.watchers)
      this.sendLive(socket, {
        type: 'fleet',
        isSnapshot: false,
        isComplete: true,
        agents,
        removed,
        cursor: '',
      })
  }

  private serveLive(socket: WebSocket): void {
    this.sockets.add(socket)
    socket.on('close', () => {
      this.sockets.delete(socket)
      this.watchers.delete(socket)
    })
    socket.on('message', (data) => {
      const request = liveRequest.parse(JSON.parse(String(data)))
      if (request.type === 'watch-fleet') return this.showFleet(socket)
      if (request.type === 'unfollow' || request.type === 'unwatch-fleet') return
      if (request.type === 'watch-services' || request.type === 'unwatch-services') return
      if (request.type === 'unfollow-run' || request.type === 'unfollow-transfer') return
      if (request.type === 'follow-transfer')
        return this.sendLive(socket, {
          type: 'error',
          commandId: null,
          transferId: request.transferId,
          code: 'transfer.not_found',
          message: 'There is no such transfer.',
        })
      if (request.type === 'follow-run') {
        this.followedRuns.push(request.runId)
        const run = this.findRun(request.runId)
        return run
          ? this.feedRun(socket, run)
          : this.sendLive(socket, {
              type: 'error',
              commandId: null,
              runId: request.runId,
              code: 'run.not_found',
              message: 'There is no such run.',
            })
      }
      this.followed.push({ commandId: request.commandId, offset: request.offset })
      const command = this.find(request.commandId)
      if (command) this.feed(socket, command, request.offset)
      else
        this.sendLive(socket, {
          type: 'error',
          commandId: request.commandId,
          code: 'command.not_found',
          message: 'There is no such command.',
        })
    })
  }

  private feedRun(socket: WebSocket, run: FakeRun): void {
    const shown = new Map<string, string>()
    const off = () => {
      for (const command of run.commands) command.off('news', send)
    }
    const send = () => {
      const changed = run.commands.filter(({ view }) => (shown.get(view.id) ?? 'pending') !== view.state)
      for (const { view } of changed) shown.set(view.id, view.state)
      const commands = changed.map(FakeRun.briefOf)
      this.sendLive(socket, { type: 'run', runId: run.id, counts: run.counts, commands })
      if (!run.isFinal) return
      this.sendLive(socket, { type: 'run-end', run: run.view })
      off()
    }
    for (const command of run.commands) command.on('news', send)
    socket.on('close', off)
    send()
  }

  /** In messages of two agents each. */
  private showFleet(socket: WebSocket): void {
    this.fleetRequests++
    this.watchers.add(socket)
    const agents = this.agents()
    for (let start = 0; start === 0 || start < agents.length; start += 2)
      this.sendLive(socket, {
        type: 'fleet',
        isSnapshot: true,
        isComplete: start + 2 >= agents.length,
        agents: agents.slice(start, start + 2),
        removed: [],
        cursor: '',
      })
  }

  private feed(socket: WebSocket, command: FakeCommand, from: number): void {
    let offset = from
    let shown = ''
    const send = () => {
      for (const chunk of command.outputFrom(offset)) {
        this.sendLive(socket, { type: 'output', commandId: command.view.id, ...chunk })
        offset = chunk.offset + Buffer.from(chunk.data, 'base64').length
      }
      if (shown !== command.view.state) this.sendLive(socket, { type: 'command', command: command.view })
      shown = command.view.state
      if (!command.isFinal) return
      this.sendLive(socket, { type: 'end', command: command.view })
      command.off('news', send)
    }
    command.on('news', send)
    socket.on('close', () => command.off('news', send))
    send()
  }

  private sendLive(socket: WebSocket, event: LiveEvent): void {
    for (const sent of this.onLive(liveEvent.parse(event))) socket.send(JSON.stringify(sent))
  }
}
