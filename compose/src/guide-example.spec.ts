import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readServices } from './index.ts'

it('every example file of the guide on services is taken as it stands', () => {
  const guide = readFileSync(new URL('../../docs/guides/services.md', import.meta.url), 'utf8')
  const examples = [...guide.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text)
  expect(examples.length).toBeGreaterThan(0)
  for (const example of examples) expect(readServices(example).faults).toEqual([])
})
