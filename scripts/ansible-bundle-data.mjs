/**
 * Shortens two of Ansible's data files. They are read by a YAML parser in pure Python at every start, and take most of it:
 * 0.5 s of 0.9 s for `--version`. Both are regular enough to be cut by their lines.
 */

/**
 * Shortens ansible_builtin_runtime.yml: leaves out where short names of modules that once were Ansible's own have moved. Those
 * collections are not in the bundle; one that is installed beside it is reached by full names.
 * @param {string} text
 */
export function shortenRouting(text) {
  const parts = text.split(/^(?=\S)/m)
  return parts.map((part) => (part.startsWith('plugin_routing:') ? shortenPlugins(part) : part)).join('')
}

function shortenPlugins(text) {
  const [heading = '', ...kinds] = text.split(/^(?= {2}[^\s#-])/m)
  return heading + kinds.map(shortenKind).join('')
}

/** A kind of plugin that no entry is left of goes as well: Ansible takes an empty one for broken. */
function shortenKind(text) {
  const [heading, ...entries] = text.split(/^(?= {4}[^\s#])/m)
  const kept = entries.filter((entry) => !/redirect: (?!ansible\.builtin\.)/.test(entry))
  return kept.length > 0 ? heading + kept.join('') : ''
}

/**
 * Shortens base.yml, which declares Ansible's settings: leaves out what only `ansible-config` shows to people.
 * @param {string} text
 */
export function shortenSettings(text) {
  return text
    .split(/^(?=\S| {2}[a-z_]+:)/m)
    .filter((part) => !/^ {2}(name|description|version_added):/.test(part))
    .join('')
}

/** Says in the file itself that it is not Ansible's own any more, as its licence asks. */
export function forThisBundle(text) {
  return `# Changed for the Rollcall Ansible bundle (2026): shortened, nothing added. See NOTICES.\n${text}`
}
