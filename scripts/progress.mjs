// What set-up shows while it works: several steps run side by side, so each line names its step and how long it has taken.

/** Milliseconds between two lines of a step that goes on. */
const INTERVAL_MS = 2000

export const say = (text) => console.log(`\u25b8 ${text}`)

/**
 * Runs `work` as a step that is shown: when it begins, how far it is, and what it took. `work` is given a function that takes a word
 * on how far it is. Resolves and rejects as `work` does.
 */
export async function step(name, work) {
  const startedAt = Date.now()
  const took = () => `${Math.round((Date.now() - startedAt) / 1000)} s`
  let latest = ''
  let shown = ''
  const show = () => {
    if (latest === '' || latest === shown) return
    shown = latest
    console.log(`  ${name}: ${latest} (${took()})`)
  }
  say(name)
  const timer = setInterval(show, INTERVAL_MS)
  try {
    const result = await work((text) => {
      latest = text
    })
    console.log(`\u2714 ${name} (${took()})`)
    return result
  } finally {
    clearInterval(timer)
  }
}
