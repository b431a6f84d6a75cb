/** Arguments that a shell, systemd, a list of podman's or a line of a file would each read otherwise. */
export const HOSTILE = [
  'two\nlines',
  '%n %h %%',
  `$HOME \${HOME} $(id) \`id\``,
  `"both" 'kinds'`,
  'back\\slash\\n',
  'ü € 𝄞',
  '',
  '--rm',
  'a,b=c:d;e#f',
  '\t',
]
