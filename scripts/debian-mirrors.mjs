/** Which Debian mirrors this machine's own apt uses. Built-ins only: set-up scripts run it on any Node from 20 on. */
import { readdir, readFile } from 'node:fs/promises'
import { join } from 'node:path'

const FALLBACK = {
  archive: 'http://deb.debian.org/debian',
  security: 'http://deb.debian.org/debian-security',
}

/**
 * On Debian the mirrors that its apt sources name for the release it runs; elsewhere, or where they name none,
 * deb.debian.org. A mirror that carries this machine's release is taken to carry the others too.
 * @param {string} [root] folder that stands for `/`
 * @returns {Promise<{ archive: string, security: string }>}
 */
export async function debianMirrors(root = '/') {
  const release = parseAssignments(await readIfThere(join(root, 'etc/os-release')))
  if (release.ID !== 'debian') return { ...FALLBACK }
  const names = [release.VERSION_CODENAME, 'stable', 'oldstable', 'testing', 'sid', 'unstable'].filter(
    Boolean,
  )
  const sources = (await readSources(join(root, 'etc/apt'))).filter((source) => isDebians(source))
  const find = (suites) =>
    sources.find((source) => source.suites.some((suite) => suites.includes(suite)))?.uri
  return {
    archive: find(names) ?? FALLBACK.archive,
    security: find(names.flatMap((name) => [`${name}-security`, `${name}/updates`])) ?? FALLBACK.security,
  }
}

/** Third parties name their suites after Debian's too; their own signing key and lack of `main` give them away. */
function isDebians({ uri, components, signedBy }) {
  const isKeyDebians = !signedBy || signedBy.includes('debian-archive')
  return isKeyDebians && components.includes('main') && !/^(cdrom|file|copy):/.test(uri)
}

async function readSources(folder) {
  const parts = join(folder, 'sources.list.d')
  const names = (await readdir(parts).catch(ignoreMissing(() => []))).sort()
  const sources = parseList(await readIfThere(join(folder, 'sources.list')))
  for (const name of names) {
    if (name.endsWith('.list')) sources.push(...parseList(await readIfThere(join(parts, name))))
    if (name.endsWith('.sources')) sources.push(...parseDeb822(await readIfThere(join(parts, name))))
  }
  return sources
}

/** The one-line form: `deb [signed-by=KEYRING] URI SUITE COMPONENT…` */
function parseList(text) {
  return text.split('\n').flatMap((line) => {
    const match = /^\s*deb\s+(?:\[([^\]]*)\]\s+)?(\S+)\s+(\S+)\s+([^#]+)/.exec(line)
    if (!match) return []
    const [, options = '', uri, suite, components] = match
    const signedBy = /signed-by=(\S+)/i.exec(options)?.[1] ?? ''
    return [{ uri, suites: [suite], components: words(components), signedBy }]
  })
}

/** The deb822 form: paragraphs of `Field: value`, a value going on in lines that begin with a space. */
function parseDeb822(text) {
  const withoutComments = text.replace(/^#.*\n?/gm, '')
  return withoutComments.split(/\n\s*\n/).flatMap((paragraph) => {
    const field = (name) =>
      new RegExp(`^${name}:((?:.*)(?:\\n[ \\t].*)*)`, 'im').exec(paragraph)?.[1]?.trim() ?? ''
    if (!words(field('Types')).includes('deb') || /^no$/i.test(field('Enabled'))) return []
    const rest = {
      suites: words(field('Suites')),
      components: words(field('Components')),
      signedBy: field('Signed-By'),
    }
    return words(field('URIs')).map((uri) => ({ uri, ...rest }))
  })
}

function parseAssignments(text) {
  const pairs = text.matchAll(/^(\w+)="?([^"\n]*)"?$/gm)
  return Object.fromEntries([...pairs].map(([, name, value]) => [name, value]))
}

function words(text) {
  return text.split(/\s+/).filter(Boolean)
}

function readIfThere(path) {
  return readFile(path, 'utf8').catch(ignoreMissing(() => ''))
}

function ignoreMissing(instead) {
  return (error) => {
    if (error.code === 'ENOENT') return instead()
    throw error
  }
}
