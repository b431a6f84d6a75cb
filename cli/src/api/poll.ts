import { setTimeout as sleep } from 'node:timers/promises'

const POLL_INTERVAL_MS = 500

/** Asks until an answer is final, or `timeoutMs` have passed. Returns the last answer. */
export async function poll<Answer>(
  ask: () => Promise<Answer>,
  isFinal: (answer: Answer) => boolean,
  timeoutMs = Number.POSITIVE_INFINITY,
): Promise<Answer> {
  const deadline = performance.now() + timeoutMs
  for (;;) {
    const answer = await ask()
    if (isFinal(answer) || performance.now() > deadline) return answer
    await sleep(POLL_INTERVAL_MS)
  }
}
