import { z } from 'zod'
import { plainText } from '../../text.ts'
import { defineRoute } from '../route.ts'

const component = z.enum(['up', 'down'])

/** The server's own health, metrics and description. */
export const HEALTH_ROUTES = {
  health: defineRoute('GET', '/health', {
    summary: 'Reports that the process answers.',
    access: 'public',
    scope: 'none',
    audit: 'never',
    response: z.strictObject({ status: z.literal('ok'), version: z.string() }),
  }),
  ready: defineRoute('GET', '/ready', {
    summary: 'Reports whether the server is ready; 503 if it is not.',
    access: 'public',
    scope: 'none',
    audit: 'never',
    troubleStatus: 503,
    response: z.strictObject({
      status: z.enum(['ready', 'not_ready']),
      database: component,
      queue: component,
      /** Warnings for an operator that do not keep the server from working. */
      warnings: z.array(plainText(500)).default([]),
    }),
  }),
  openapi: defineRoute('GET', '/api/openapi.json', {
    summary: 'Returns this document.',
    access: 'signed-in',
    scope: 'none',
    audit: 'refusals',
    response: z.looseObject({}),
  }),
  metrics: defineRoute('GET', '/metrics', {
    summary: 'Returns metrics in the text format of Prometheus.',
    access: 'hosts:read',
    scope: 'whole-fleet',
    audit: 'refusals',
    produces: 'text/plain; version=0.0.4; charset=utf-8',
    response: z.string(),
  }),
} as const
