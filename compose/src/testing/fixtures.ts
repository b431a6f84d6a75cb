import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { type ReadServices, readEnvFile, readServices } from '../index.ts'

const FOLDER = fileURLToPath(new URL('../../fixtures/', import.meta.url))

export interface Fixture {
  name: string
  text: string
  variables: Record<string, string>
}

/** Compose files in the shape of well-known ones, with the variables beside them. */
export const fixtures: readonly Fixture[] = readdirSync(FOLDER)
  .filter((file) => file.endsWith('.yml'))
  .map((file) => {
    const name = file.slice(0, -'.yml'.length)
    const env = `${FOLDER}${name}.env`
    const { variables } = readEnvFile(existsSync(env) ? readFileSync(env, 'utf8') : '')
    return { name, text: readFileSync(`${FOLDER}${file}`, 'utf8'), variables: Object.fromEntries(variables) }
  })

/** Where the expected result of a fixture is kept. */
export const toExpectedPath = ({ name }: Fixture): string => `${FOLDER}${name}.txt`

/** Reads a fixture. Every file that it names has one variable in it; what has no extension is a folder, or is not there. */
export const readFixture = ({ text, variables }: Omit<Fixture, 'name'>): ReadServices =>
  readServices(text, variables, {
    readFile: (path) => (/\.\w+$/.test(path) ? 'FROM_FILE=yes\n' : undefined),
  })
