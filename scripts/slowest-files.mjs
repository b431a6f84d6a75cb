import { relative } from 'node:path'
import { ROOT } from './setup.mjs'

const MAX_SHOWN = 10

/** Says which files took longest, from vitest's JSON report. Returns one line for each, the longest first. */
export function slowestFiles({ testResults }, max = MAX_SHOWN) {
  const files = testResults.map(({ name, startTime, endTime }) => ({
    path: relative(ROOT, name),
    seconds: (endTime - startTime) / 1000,
  }))
  files.sort((one, other) => other.seconds - one.seconds)
  return files.slice(0, max).map(({ path, seconds }) => `${seconds.toFixed(1).padStart(7)} s  ${path}`)
}
