import { readFileSync } from 'node:fs'
import { expect, it } from 'vitest'
import { readServices } from './index.ts'

const GUIDES = ['services', 'service-health', 'from-docker-compose']
const DEMO = new URL('../../scripts/demo/', import.meta.url)

it.each(GUIDES)('every example file of the guide %s is taken as it stands', (name) => {
  const guide = readFileSync(new URL(`../../docs/guides/${name}.md`, import.meta.url), 'utf8')
  const examples = [...guide.matchAll(/^```yaml\n(.*?)^```$/gms)].map(([, text = '']) => text)
  expect(examples.length).toBeGreaterThan(0)
  for (const example of examples) expect(readServices(example).faults).toEqual([])
})

it('the service file of the demo is taken as it stands, with its program', () => {
  const readFile = (path: string) => readFileSync(new URL(path, DEMO), 'utf8')
  const { faults, spec } = readServices(readFile('compose.yml'), {}, { readFile })
  expect(faults).toEqual([])
  expect(spec?.configs.map(({ content }) => content)).toEqual([readFile('hello.pl')])
})
