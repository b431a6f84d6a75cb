import type { Fault } from './behaviour.ts'
import { type Asked, answerTo } from './rpc.ts'
import type { SimulatedAgent } from './simulated-agent.ts'

/** The connection of a wrong answer. */
export interface AnsweringConnection {
  readonly agent: SimulatedAgent
  readonly isOpen: boolean
  /** Writes text. Returns whether more may be written at once. */
  write(text: string | Buffer): boolean
  onDrain(ready: () => void): void
  onClose(work: () => void): void
  /** Gives a whole answer of whatever status, and goes on to the next request. */
  answer(body: string, status?: string): void
  /** Gives the answer to strangers, and ends. */
  refuse(): void
  reset(): void
}

const HUGE_BYTES = 100_000_000
const HUGE_PART = Buffer.alloc(64 * 1024, 'a')
const TRICKLE_MS = 1000

const STATUS_LINES = {
  status_400: '400 Bad Request',
  status_401: '401 Unauthorized',
  status_500: '500 Internal Server Error',
  status_503: '503 Service Unavailable',
} as const

const WIRE_FAULTS = {
  hangup: (connection) => connection.reset(),
  half: (connection, asked) => {
    const text = soundAnswer(connection, asked)
    connection.write(
      `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text.slice(0, text.length / 2)}`,
    )
  },
  empty: (connection) => connection.answer(''),
  not_json: (connection) => connection.answer('<html><body>It works!</body></html>'),
  other_id: (connection, asked) =>
    connection.answer(soundAnswer(connection, asked).replaceAll(/"id":\d+/g, '"id":4294967296')),
  trickle: (connection, asked) => {
    const text = soundAnswer(connection, asked)
    trickle(connection, `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`)
  },
  huge,
  status_400: (connection) => connection.answer('{}', STATUS_LINES.status_400),
  status_401: (connection) => connection.answer('{}', STATUS_LINES.status_401),
  status_404: (connection) => connection.refuse(),
  status_500: (connection) => connection.answer('{}', STATUS_LINES.status_500),
  status_503: (connection) => connection.answer('{}', STATUS_LINES.status_503),
} as const satisfies Partial<Record<Fault, (connection: AnsweringConnection, asked: Asked) => void>>
export type WireFault = keyof typeof WIRE_FAULTS

/** Tells whether a fault is in how an answer is sent, not in its content or in whether anything answers. */
export const isWireFault = (fault: Fault): fault is WireFault => Object.hasOwn(WIRE_FAULTS, fault)

export function answerWrongly(connection: AnsweringConnection, fault: WireFault, asked: Asked): void {
  WIRE_FAULTS[fault](connection, asked)
}

/** Returns the answer of a sound agent; for a call that would have to wait, another one. */
function soundAnswer({ agent }: AnsweringConnection, asked: Asked): string {
  const answer = answerTo(asked, agent.handlers)
  return typeof answer === 'string' ? answer : '{"jsonrpc":"2.0","id":0,"result":{}}'
}

function trickle(connection: AnsweringConnection, text: string): void {
  let at = 0
  const timer = setInterval(() => {
    if (!connection.isOpen || at === text.length) clearInterval(timer)
    else connection.write(text.charAt(at++))
  }, TRICKLE_MS)
  connection.onClose(() => clearInterval(timer))
}

/** A JSON-RPC answer with one long string in it, written as fast as the caller takes it. */
function huge(connection: AnsweringConnection): void {
  const head = '{"jsonrpc":"2.0","id":1,"result":"'
  connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${HUGE_BYTES}\r\n\r\n${head}`)
  let left = HUGE_BYTES - head.length
  const more = () => {
    while (connection.isOpen && left > 0) {
      const part = HUGE_PART.subarray(0, left)
      left -= part.length
      if (!connection.write(part)) return connection.onDrain(more)
    }
  }
  more()
}
