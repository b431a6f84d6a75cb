import { request } from 'node:http'
import { connect } from 'node:net'
import { ServerData } from '../load/seed.ts'
import { type Attack, unlessRefused } from './attack.ts'

const ENTRY_BYTES = 4096

/** Attacks on the server by strangers. */
export const STRANGERS: readonly Attack[] = [
  {
    name: 'Refused requests of strangers fill the audit log, or keep the server from answering',
    async run({ server, stranger, root }, { isShort }) {
      const found: string[] = []
      const secret = 'leaked-by-a-refused-request'
      const body = JSON.stringify({ email: 'x@example.com', password: 'x', [secret]: 'y'.repeat(1_800_000) })
      let slowest = 0
      let isOver = false
      const watching = (async () => {
        while (!isOver) {
          const started = performance.now()
          await (await fetch(`${server.url}/health`)).arrayBuffer()
          slowest = Math.max(slowest, performance.now() - started)
          await new Promise((resolve) => setTimeout(resolve, 20))
        }
      })()
      for (let i = 0; i < (isShort ? 40 : 320); i++) {
        await stranger.request('POST', '/api/session', body)
        await stranger.request('POST', `/api/hosts`, body)
      }
      const listed = await root.request('GET', '/api/audit?limit=500')
      const verified = await root.request('GET', '/api/audit/verify')
      isOver = true
      await watching
      if (listed.status !== 200) found.push(`the audit log cannot be listed any more: ${listed.status}`)
      if (verified.status !== 200) found.push(`the audit log cannot be verified any more: ${verified.status}`)
      if (slowest > 3000) found.push(`/health took ${Math.round(slowest)} ms meanwhile`)
      await using data = await ServerData.open(server)
      const [row] = await data.query<{ largest: number; leaks: number }>(
        'SELECT coalesce(max(octet_length(detail::text)), 0)::int AS largest, (count(*) FILTER (WHERE position($1 in detail::text) > 0))::int AS leaks FROM audit_entry',
        [secret],
      )
      if ((row?.largest ?? 0) > ENTRY_BYTES) found.push(`an entry's detail has ${row?.largest} bytes`)
      if ((row?.leaks ?? 0) > 0) found.push('unknown fields of a refused request were stored')
      return found
    },
  },
  {
    name: 'A page of another origin acts for the user of a browser',
    async run(setting) {
      const found: string[] = []
      for (const origin of ['https://evil.example', 'null', `${setting.server.url}.evil.example`]) {
        const { headers } = setting.person('admin')
        const answer = await setting.stranger.request(
          'POST',
          '/api/users',
          { email: 'evil@example.com', name: 'evil', role: 'admin' },
          { cookie: headers.cookie ?? '', origin },
        )
        found.push(...unlessRefused(`origin ${origin}`, 'adding an admin', answer, 403))
      }
      return found
    },
  },
  {
    name: 'An address that a caller claims for itself is believed',
    async run({ stranger, root }) {
      const claimed = '203.0.113.77'
      await stranger.request(
        'POST',
        '/api/session',
        { email: 'nobody@example.com', password: 'x' },
        { 'x-forwarded-for': claimed, forwarded: `for=${claimed}` },
      )
      const log = JSON.stringify((await root.call('listAudit', { query: { limit: 50 } })).entries)
      return log.includes(claimed) ? ['the audit log has the address that a stranger claimed'] : []
    },
  },
  {
    name: 'An answer of the API is kept by a cache on the way',
    async run({ root }) {
      const found: string[] = []
      for (const path of ['/api/hosts', '/api/session', '/api/nowhere']) {
        const { headers } = await root.request('GET', path)
        if (!/no-store/.test(headers.get('cache-control') ?? ''))
          found.push(`${path}: cache-control is ${headers.get('cache-control')}`)
      }
      return found
    },
  },
  {
    name: 'Connections that say nothing keep others from being answered',
    async run({ server, stranger }, { isShort }) {
      const { hostname, port } = new URL(server.url)
      const sockets = Array.from({ length: isShort ? 200 : 1000 }, () =>
        connect(Number(port), hostname).on('error', () => undefined),
      )
      try {
        for (const socket of sockets)
          socket.write('POST /api/session HTTP/1.1\r\nhost: x\r\ncontent-length: 100\r\n')
        const started = performance.now()
        const { status } = await stranger.request('GET', '/health')
        const took = performance.now() - started
        return status === 200 && took < 5000
          ? []
          : [`/health answered ${status} after ${Math.round(took)} ms`]
      } finally {
        for (const socket of sockets) socket.destroy()
      }
    },
  },
  {
    name: 'A stranger opens the live connection',
    async run({ server, removedKey }) {
      const found: string[] = []
      for (const headers of [{}, removedKey.headers, { authorization: 'Bearer rck_nothing' }]) {
        const status = await upgradeStatus(server.url, headers)
        if (status === 101) found.push(`/ws was opened with ${Object.keys(headers).join() || 'nothing'}`)
      }
      return found
    },
  },
]

function upgradeStatus(url: string, headers: Record<string, string>): Promise<number> {
  return new Promise((resolve, reject) => {
    const asked = request(`${url}/ws`, {
      headers: {
        ...headers,
        connection: 'upgrade',
        upgrade: 'websocket',
        'sec-websocket-version': '13',
        'sec-websocket-key': 'AAAAAAAAAAAAAAAAAAAAAA==',
      },
    })
    asked.on('upgrade', (response, socket) => {
      socket.destroy()
      resolve(response.statusCode ?? 0)
    })
    asked.on('response', (response) => {
      response.resume()
      resolve(response.statusCode ?? 0)
    })
    asked.on('error', reject)
    asked.end()
  })
}
