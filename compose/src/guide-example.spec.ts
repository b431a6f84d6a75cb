import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readServices } from './index.ts'

const GUIDES = ['services', 'service-health', 'from-docker-compose']

it.each(GUIDES)('every example file of the guide %s is taken as it stands', (name) => {
  const guide = readFileSync(new URL(`../../docs/guides/${name}.md`, import.meta.url), 'utf8')
  const examples = [...guide.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text)
  expect(examples.length).toBeGreaterThan(0)
  for (const example of examples) expect(readServices(example).faults).toEqual([])
})
