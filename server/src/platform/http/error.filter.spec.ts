import 'reflect-metadata'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { Controller, Get, Module, Param } from '@nestjs/common'
import { APP_FILTER, NestFactory } from '@nestjs/core'
import type { NestExpressApplication } from '@nestjs/platform-express'
import { ERRORS, type ErrorCode, maySay, RollcallError } from '@rollcall/contracts'
import { errorBody } from '@rollcall/contracts/admin'
import pino from 'pino'
import { afterAll, beforeAll, expect, it } from 'vitest'
import { LOGGER } from '../log.ts'
import { ErrorFilter } from './error.filter.ts'

@Controller()
class ThrowingController {
  @Get('throw/:code')
  throw(@Param('code') code: ErrorCode) {
    throw new RollcallError(code, 'as the test wants it', {
      fields: [{ field: 'body.x', message: 'is wrong' }],
    })
  }

  @Get('break')
  break() {
    throw new Error('the password is hunter2')
  }
}

@Module({
  controllers: [ThrowingController],
  providers: [
    { provide: APP_FILTER, useClass: ErrorFilter },
    { provide: LOGGER, useValue: pino({ level: 'silent' }) },
  ],
})
class ThrowingModule {}

let app: NestExpressApplication
let url: string

beforeAll(async () => {
  app = await NestFactory.create<NestExpressApplication>(ThrowingModule, { logger: false })
  await app.listen(0, '127.0.0.1')
  url = await app.getUrl()
})
afterAll(() => app.close())

it.each(Object.entries(ERRORS))('%s is answered with the status of its entry', async (code, entry) => {
  const response = await fetch(`${url}/throw/${code}`)
  expect(response.status).toBe(entry.status)
  expect(errorBody.parse(await response.json()).error).toEqual({
    code,
    kind: entry.kind,
    message: 'as the test wants it',
    fields: [{ field: 'body.x', message: 'is wrong' }],
  })
})

it('what nobody expected is answered as our defect, without its words', async () => {
  const response = await fetch(`${url}/break`)
  expect(response.status).toBe(500)
  const text = await response.text()
  expect(text).toContain('server.defect')
  expect(text).not.toContain('hunter2')
})

it('an address at which nothing is is answered with 404 and our own form', async () => {
  const response = await fetch(`${url}/nothing`)
  expect(response.status).toBe(404)
  expect(await response.json()).toMatchObject({ error: { code: 'request.not_found' } })
})

it('every code of the server is one that its sources, the reader of service files or the program of hosts have', () => {
  const folders = ['../..', '../../../../compose/src', '../../../../playbooks/host'].map((path) =>
    fileURLToPath(new URL(path, import.meta.url)),
  )
  const sources = folders.flatMap((folder) =>
    readdirSync(folder, { recursive: true, encoding: 'utf8' })
      .filter((file) => /\.(ts|py)$/.test(file) && !file.endsWith('.spec.ts'))
      .map((file) => readFileSync(join(folder, file), 'utf8')),
  )
  const said = new Set(
    sources.flatMap((text) => [...text.matchAll(/['"]([a-z_]+\.[a-z_]+)['"]/g)].map(([, code]) => code)),
  )
  expect(Object.keys(ERRORS).filter((code) => maySay('server', code) && !said.has(code))).toEqual([])
})
