/** One script a shell: each asks `rollcall completion words` for the line so far. Words come one a line, with a tab before what they mean. */
export const SHELLS = {
  bash: `_rollcall() {
  local line typed start
  local -a words
  # By spaces alone: bash itself would take words apart at = and : too.
  read -ra words <<<"\${COMP_LINE:0:COMP_POINT}"
  [[ \${COMP_LINE:0:COMP_POINT} == *' ' ]] && words+=('')
  typed=\${words[-1]}
  # Bash replaces what stands after the last = or : only.
  start=\${typed%"\${typed##*[=:]}"}
  COMPREPLY=()
  while IFS= read -r line; do
    line=\${line%%$'\\t'*}
    COMPREPLY+=("\${line#"$start"}")
  done < <(rollcall completion words -- "\${words[@]:1}" 2>/dev/null)
}
complete -o default -F _rollcall rollcall
`,
  zsh: `#compdef rollcall
_rollcall() {
  local line
  local -a found
  while IFS= read -r line; do
    if [[ $line == *$'\\t'* ]]; then
      found+=("\${\${line%%$'\\t'*}//:/\\\\:}:\${line#*$'\\t'}")
    else
      found+=("\${line//:/\\\\:}")
    fi
  done < <(rollcall completion words -- "\${(@)words[2,CURRENT]}" 2>/dev/null)
  if (( \${#found} )); then _describe rollcall found; else _files; fi
}
if [[ \${funcstack[1]} == _rollcall ]]; then _rollcall "$@"; else compdef _rollcall rollcall; fi
`,
  fish: `function __rollcall_words
  set -l words (commandline -opc) (commandline -ct)
  rollcall completion words -- $words[2..-1] 2>/dev/null
end
complete -c rollcall -f -a '(__rollcall_words)'
complete -c rollcall -n 'test (count (__rollcall_words)) -eq 0' -F
`,
} as const

export type Shell = keyof typeof SHELLS
