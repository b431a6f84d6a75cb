/** Reads a file of the host as text. Returns null when it cannot be read. */
export type ReadText = (path: string) => string | null

export interface LoginUser {
  username: string
  homedir: string
  shell: string | null
}

/** The umask and environment that a login gives its programs. */
export interface Login {
  umask: number
  env: Record<string, string>
}

const DEFAULT_PATH = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin'
const DEFAULT_UMASK = 0o022
/** Rollcall reads what programs print as UTF-8, so a host that names no locale gets this one, as an ssh client would send it. */
const DEFAULT_LANG = 'C.UTF-8'
const PAM_FOLDERS = ['/etc/pam.d', '/usr/lib/pam.d', '/usr/etc/pam.d']
/** PAM services by preference: the first one that the host has counts. */
const PAM_SERVICES = ['sshd', 'login', 'su-l', 'su']
const MAX_INCLUDES = 32
const MAX_VARIABLES = 256
const LOCALE = /^(LANG|LANGUAGE|LC_[A-Z]+)$/

/** Derives what a login of root over ssh gives its programs from PAM, login.defs and the locale. Login files of shells are not run. */
export function rootLogin(read: ReadText, { username, homedir, shell }: LoginUser): Login {
  const session = sessionModules(read)
  const defs = parseLoginDefs(read('/etc/login.defs') ?? '')
  const env: Record<string, string> = {
    PATH: defs.ENV_SUPATH?.replace(/^PATH=/, '') || DEFAULT_PATH,
    HOME: homedir,
    USER: username,
    LOGNAME: username,
    SHELL: shell || '/bin/sh',
    ...toLocale(read('/etc/locale.conf') ?? ''),
  }
  for (const file of environmentFiles(session)) applyVariables(env, read(file) ?? '')
  if (!Object.keys(env).some((name) => name === 'LANG' || name === 'LC_ALL')) env.LANG = DEFAULT_LANG
  return { umask: toUmask(session, defs, read, username), env }
}

interface PamModule {
  name: string
  args: string[]
}

/** Lists the session modules of a login, in order, including those of included files. Returns null if the host has no PAM. */
export function sessionModules(read: ReadText): PamModule[] | null {
  let included = 0
  const readStack = (service: string): PamModule[] | null => {
    if (!/^[\w.-]+$/.test(service) || ++included > MAX_INCLUDES) return null
    const text = PAM_FOLDERS.map((folder) => read(`${folder}/${service}`)).find((found) => found !== null)
    return text == null ? null : pamLines(text).flatMap((line) => toModules(line, readStack))
  }
  for (const service of PAM_SERVICES) {
    const stack = readStack(service)
    if (stack !== null) return stack
  }
  return null
}

function toModules(line: string, readStack: (service: string) => PamModule[] | null): PamModule[] {
  const whole = /^@include\s+(\S+)/.exec(line)
  if (whole) return readStack(whole[1] as string) ?? []
  // A control may be a list in brackets, with blanks in it.
  const rule = /^-?session\s+(\[[^\]]*\]|\S+)\s+(\S+)\s*(.*)$/.exec(line)
  if (!rule) return []
  const [, control, name, args] = rule as unknown as [string, string, string, string]
  if (control === 'include' || control === 'substack') return readStack(name) ?? []
  return [{ name: name.slice(name.lastIndexOf('/') + 1), args: args.split(/\s+/).filter(Boolean) }]
}

const pamLines = (text: string): string[] =>
  text
    .replace(/\\\n/g, ' ')
    .split('\n')
    .map((line) => line.replace(/#.*/, '').trim())

/** Lists the environment files that a login reads; the usual ones if the host has no PAM. */
function environmentFiles(session: PamModule[] | null): string[] {
  if (session === null) return ['/etc/environment', '/etc/default/locale']
  return session
    .filter(({ name, args }) => name === 'pam_env.so' && !args.includes('readenv=0'))
    .map(({ args }) => args.find((arg) => arg.startsWith('envfile='))?.slice(8) ?? '/etc/environment')
}

/** Sets the variables of an environment file, as `pam_env` does. An empty value removes a variable. */
export function applyVariables(env: Record<string, string>, text: string): void {
  for (const line of text.split('\n')) {
    const words = line.replace(/#.*/, '').trim()
    const found = /^(?:export\s+)?([A-Za-z_][A-Za-z0-9_]*)=([^\0]*)$/.exec(words)
    if (!found) continue
    const [, name, value] = found as unknown as [string, string, string]
    if (value === '') delete env[name]
    else if (name in env || Object.keys(env).length < MAX_VARIABLES) env[name] = unquoted(value)
  }
}

const unquoted = (value: string): string =>
  /^["']/.test(value) ? value.slice(1).replace(/["']$/, '') : value

function toLocale(text: string): Record<string, string> {
  const found: Record<string, string> = {}
  applyVariables(found, text)
  return Object.fromEntries(Object.entries(found).filter(([name]) => LOCALE.test(name)))
}

/** Parses `/etc/login.defs`: one name and value per line. */
export function parseLoginDefs(text: string): Record<string, string> {
  const found: Record<string, string> = {}
  for (const line of text.split('\n')) {
    const words = /^\s*([A-Z_]+)\s+"?([^"#]*?)"?\s*(#.*)?$/.exec(line)
    if (words) found[words[1] as string] = words[2] as string
  }
  return found
}

/** Finds the umask as `pam_umask` does: user entry, module argument, login.defs. Without that module it is the default. */
function toUmask(
  session: PamModule[] | null,
  defs: Record<string, string>,
  read: ReadText,
  username: string,
): number {
  const module = session?.find(({ name }) => name === 'pam_umask.so')
  if (session !== null && module === undefined) return DEFAULT_UMASK
  const entry = (read('/etc/passwd') ?? '').split('\n').find((line) => line.startsWith(`${username}:`))
  const gecos = entry?.split(':')[4] ?? ''
  const candidates = [
    /(?:^|,)umask=([^,]*)/.exec(gecos)?.[1],
    module?.args.find((arg) => arg.startsWith('umask='))?.slice(6),
    defs.UMASK,
    /^\s*UMASK=["']?([^"'#\s]*)/m.exec(read('/etc/default/login') ?? '')?.[1],
  ]
  const given = candidates.find((text) => text !== undefined && /^0*[0-7]{1,3}$/.test(text))
  return given === undefined ? DEFAULT_UMASK : Number.parseInt(given, 8)
}
