import { once } from 'node:events'
import { createServer } from 'node:http'
import { connect } from 'node:net'
import pino from 'pino'
import { expect, it } from 'vitest'
import type { AccessService, Principal, RightsWatch } from '../access/index.ts'
import { admin } from '../access/testing/principals.ts'
import type { Config } from '../platform/config/config.ts'
import { partOf } from '../platform/testing/part-of.ts'
import type { FleetFeed } from './fleet-feed.reconciler.ts'
import { LiveGateway } from './live.gateway.ts'
import type { LiveSources } from './live-connection.ts'
import type { ServicesFeed } from './services-feed.reconciler.ts'

it('a connection that is reset while its key is looked up does not end the server', async () => {
  const lookedUp = Promise.withResolvers<Principal>()
  const authenticating = Promise.withResolvers<void>()
  const keys = partOf<AccessService>({
    authenticate: () => {
      authenticating.resolve()
      return lookedUp.promise
    },
    mayAct: () => true,
  })
  const config = partOf<Config>({ allowedOrigins: [] })
  const log = pino({ level: 'silent' })
  const feed = { close: () => undefined }
  const sources = partOf<LiveSources>({
    fleet: partOf<FleetFeed>(feed),
    services: partOf<ServicesFeed>(feed),
  })
  const gateway = new LiveGateway(keys, partOf<RightsWatch>({}), sources, config, log)
  const http = createServer().listen(0, '127.0.0.1')
  await once(http, 'listening')
  gateway.attach(http)
  const upgraded = once(http, 'upgrade')
  const socket = connect((http.address() as { port: number }).port, '127.0.0.1')
  socket.write(
    'GET /ws HTTP/1.1\r\nhost: x\r\nupgrade: websocket\r\nconnection: upgrade\r\nauthorization: Bearer x\r\n\r\n',
  )
  const [, serverSide] = await upgraded
  await authenticating.promise
  const closed = new Promise((resolve) => serverSide.on('close', resolve))
  socket.resetAndDestroy()
  await closed
  lookedUp.resolve(admin('somebody'))
  await lookedUp.promise
  gateway.close()
  http.close()
  expect(serverSide.destroyed).toBe(true)
})
