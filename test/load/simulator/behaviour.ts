/**
 * The fault of an agent:
 * - `cut`: packets to it vanish; nothing is refused and open connections fall silent.
 * - `closed`: nobody listens on its port, and open connections are reset.
 * - `frozen`: its kernel accepts connections and takes requests; nobody answers, until it is lifted.
 * - `hangup`: it closes the connection when it is asked. `half`: it stops in the middle of its answer.
 * - `empty`: 200 without a byte. `not_json`, `other_id`: what they say. `trickle`: one byte a second.
 * - `huge`: an answer of 100 MB, as far as the caller takes it.
 * - `proto_keys`: `__proto__` and `constructor` in its status. `escapes`: terminal escapes, bidirectional marks and NULs in
 *   its facts. `half_characters`: lone halves of surrogate pairs there, which no database takes. `markup`: HTML there.
 *   `long`: facts of 100,000 characters.
 * - `status_N`: that HTTP status, whatever it is asked; 404 is the answer to a wrong token.
 * - `other_certificate`: another key than the pinned one.
 */
export const FAULTS = [
  'cut',
  'closed',
  'frozen',
  'hangup',
  'half',
  'empty',
  'not_json',
  'other_id',
  'trickle',
  'huge',
  'proto_keys',
  'escapes',
  'half_characters',
  'markup',
  'long',
  'status_400',
  'status_401',
  'status_404',
  'status_500',
  'status_503',
  'other_certificate',
] as const
export type Fault = (typeof FAULTS)[number]

/** How an agent behaves from now on; what is left out is as with a sound one. */
export interface Behaviour {
  fault?: Fault
  /** The fault comes and goes: sound for `soundShare` of each period, and each agent begins at a moment of its own. */
  flapping?: { periodMs: number; soundShare: number }
  /** Milliseconds between a request and its answer: one figure, or two between which each is chosen. */
  latencyMs?: number | readonly [number, number]
  /** The chance that it dies right before, and right after, each write of its credentials. It starts again at once. */
  deathAtWrite?: number
  /** Milliseconds that its clock is ahead of ours. */
  clockOffsetMs?: number
  /** Fixed instead of walking, in percent. */
  cpuPercent?: number
  memoryPercent?: number
}

/** Spreads agents evenly over a period, whichever of them are chosen: multiples of the golden ratio. */
const phaseOf = (agent: number) => (agent * 0.618_033_988_749_895) % 1

/** Which fault an agent has at a moment, on any clock in milliseconds. */
export function faultAt({ fault, flapping }: Behaviour, agent: number, nowMs: number): Fault | null {
  if (fault === undefined) return null
  if (flapping === undefined) return fault
  const { periodMs, soundShare } = flapping
  const share = (nowMs / periodMs + phaseOf(agent)) % 1
  return share < soundShare ? null : fault
}
