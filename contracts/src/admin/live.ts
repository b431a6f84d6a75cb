import { z } from 'zod'
import { uuid } from '../text.ts'
import { commandView, outputChunk } from './commands.ts'
import { runCommand, runCounts, runView } from './runs.ts'

/** Changed commands that one event carries at most; more follow in further ones. */
export const RUN_EVENT_COMMANDS = 500

/** What a client sends on `/ws`, one JSON object a message. */
export const liveRequest = z.discriminatedUnion('type', [
  /** Sends the output from `offset` on, and every change of the command's state. Sent again, it starts anew from there. */
  z.strictObject({ type: z.literal('follow'), commandId: uuid, offset: z.int().min(0).default(0) }),
  z.strictObject({ type: z.literal('unfollow'), commandId: uuid }),
  /** Sends how a run gets on: counts and changed commands, a few times a second at most. No output. Sent again, it starts anew. */
  z.strictObject({ type: z.literal('follow-run'), runId: uuid }),
  z.strictObject({ type: z.literal('unfollow-run'), runId: uuid }),
])
export type LiveRequest = z.infer<typeof liveRequest>

/** What the server sends on `/ws`. Output comes in order, each byte once; after a reconnection follow again from your own offset. */
export const liveEvent = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('output'), commandId: uuid, ...outputChunk.shape }),
  z.strictObject({ type: z.literal('command'), command: commandView }),
  /** The command has ended and all its output was sent before this. */
  z.strictObject({ type: z.literal('end'), command: commandView }),
  /** `commands` are those whose state has changed since the last such event; in the first, all that are not simply pending. */
  z.strictObject({
    type: z.literal('run'),
    runId: uuid,
    counts: runCounts,
    commands: z.array(runCommand).max(RUN_EVENT_COMMANDS),
  }),
  /** Every command of the run has ended, and all were sent before this. */
  z.strictObject({ type: z.literal('run-end'), run: runView }),
  z.strictObject({
    type: z.literal('error'),
    commandId: uuid.nullable(),
    /** The run that was to be followed, where it is about one. */
    runId: uuid.optional(),
    code: z.string(),
    message: z.string(),
  }),
])
export type LiveEvent = z.infer<typeof liveEvent>
