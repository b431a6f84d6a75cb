import { z } from 'zod'
import { plainText, uuid } from '../text.ts'
import { container, containerEngine, ipAddress, MAX_CONTAINERS } from './containers.ts'
import { defineMethod, noParams } from './method.ts'

/** Counts up with every change of the wire that an older side would notice. */
export const AGENT_PROTOCOL = 4

const bytes = z.number().int().min(0)
const percent = z.number().min(0).max(100)
const seconds = z.number().min(0)
/** Processes that want to run. The bound is beyond any kernel's number of them, and within what a `real` can sum up. */
const load = z.number().min(0).max(1e9)

/** Open ports in one answer. */
export const MAX_OPEN_PORTS = 512

/**
 * Where a program of the host can be reached: a TCP port that is listened on, or a UDP port that is bound and not connected.
 * As the host's own network has it; what is open inside a container's network alone is not seen here.
 */
export const openPort = z.strictObject({
  protocol: z.enum(['tcp', 'udp']),
  /** `0.0.0.0` and `::` stand for all of the host's addresses; over `::` IPv4 may come in too. */
  address: ipAddress,
  port: z.int().min(1).max(65_535),
})
export type OpenPort = z.infer<typeof openPort>

export const HOST_METHODS = {
  health_check: defineMethod({
    summary: 'Says that the agent answers, which release it is and which protocol it speaks.',
    params: noParams,
    result: z.strictObject({
      status: z.literal('ok'),
      agent_version: plainText(64),
      protocol: z.int().min(1),
      /** The kernel's boot id: another one means that the host has restarted. */
      boot_id: uuid,
    }),
    reachedBy: ['addHost', 'changeHost', 'installHost', 'startUpgrade'],
    effect: 'read',
  }),
  heartbeat: defineMethod({
    summary: 'The cheapest sign of life.',
    params: noParams,
    result: z.strictObject({
      time_ms: z.int().min(0),
      boot_id: uuid,
      agent_uptime_s: seconds,
      running_commands: z.int().min(0),
    }),
    reachedBy: [],
    effect: 'read',
  }),
  get_port: defineMethod({
    summary: 'The port that the agent listens on.',
    params: noParams,
    result: z.strictObject({ port: z.int().min(1).max(65_535) }),
    reachedBy: [],
    effect: 'read',
  }),
  get_status: defineMethod({
    summary:
      'How the host is: load, memory, disks, system, clock, open ports, containers and the commands that run on it.',
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
      load: z.tuple([load, load, load]),
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
      /** In a fixed order; null when the agent cannot know them, or is of a release that does not tell. */
      open_ports: z.array(openPort).max(MAX_OPEN_PORTS).nullable().default(null),
      /** There are more than `open_ports` has room for. */
      open_ports_truncated: z.boolean().default(false),
      /**
       * The containers of root on this host, running ones first; those of other users are not seen. As they were when
       * each engine was last asked, which the agent has done at most some seconds after the call before. Null when not known:
       * the engines have not been asked yet, none has ever answered, or the agent is of a release that does not tell.
       */
      containers: z.array(container).max(MAX_CONTAINERS).nullable().default(null),
      /** The engines in use on the host; empty where there is none. */
      container_engines: z.array(containerEngine).max(8).default([]),
    }),
    reachedBy: [],
    effect: 'read',
  }),
} as const
