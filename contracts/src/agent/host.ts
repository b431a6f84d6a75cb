import { z } from 'zod'
import { plainText, uuid } from '../text.ts'
import { defineMethod, noParams } from './method.ts'

/** Counts up with every change of the wire that an older side would notice. */
export const AGENT_PROTOCOL = 1

const bytes = z.number().int().min(0)
const percent = z.number().min(0).max(100)
const seconds = z.number().min(0)

export const healthCheck = defineMethod({
  summary: 'Says that the agent answers, which release it is and which protocol it speaks.',
  params: noParams,
  result: z.strictObject({
    status: z.literal('ok'),
    agent_version: plainText(64),
    protocol: z.int().min(1),
    /** The kernel's boot id: another one means that the host has restarted. */
    boot_id: uuid,
  }),
  effect: 'read',
  timeoutMs: 30_000,
})

export const heartbeat = defineMethod({
  summary: 'The cheapest sign of life.',
  params: noParams,
  result: z.strictObject({
    time_ms: z.int().min(0),
    boot_id: uuid,
    agent_uptime_s: seconds,
    running_commands: z.int().min(0),
  }),
  effect: 'read',
  timeoutMs: 30_000,
})

export const getPort = defineMethod({
  summary: 'The port that the agent listens on.',
  params: noParams,
  result: z.strictObject({ port: z.int().min(1).max(65_535) }),
  effect: 'read',
  timeoutMs: 30_000,
})

export const getStatus = defineMethod({
  summary: 'How the host is: load, memory, disks, system, clock and the commands that run on it.',
  params: noParams,
  result: z.strictObject({
    agent_version: plainText(64),
    hostname: plainText(255),
    os: z.strictObject({ id: plainText(64), version: plainText(64), name: plainText(128) }),
    kernel: plainText(128),
    architecture: plainText(32),
    boot_id: uuid,
    uptime_s: seconds,
    clock: z.strictObject({ time_ms: z.int().min(0), time_zone: plainText(64) }),
    load: z.tuple([z.number().min(0), z.number().min(0), z.number().min(0)]),
    /** Share of all cores in use since the previous call, at least a second ago; null at the first. */
    cpu: z.strictObject({ cores: z.int().min(1), used_percent: percent.nullable() }),
    memory: z.strictObject({
      total_bytes: bytes,
      available_bytes: bytes,
      swap_total_bytes: bytes,
      swap_free_bytes: bytes,
    }),
    disks: z
      .array(
        z.strictObject({
          mount: plainText(4096),
          filesystem: plainText(64),
          total_bytes: bytes,
          available_bytes: bytes,
        }),
      )
      .max(64),
    running_commands: z.array(uuid).max(1000),
  }),
  effect: 'read',
  timeoutMs: 30_000,
})
