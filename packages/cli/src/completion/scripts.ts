/** Scripts that make a shell ask `murmur __complete` for candidates; where there are none it offers files. */
export const completionScripts: Readonly<Record<'bash' | 'zsh', string>> = {
  bash: `# bash completion for murmur
_murmur() {
  local line IFS=$'\\n'
  COMPREPLY=()
  while read -r line; do
    COMPREPLY+=("$line")
  done < <(murmur __complete -- "\${COMP_WORDS[@]:1:COMP_CWORD}" 2>/dev/null)
}
complete -o default -F _murmur murmur
`,
  zsh: `#compdef murmur
# zsh completion for murmur
_murmur() {
  local -a candidates
  candidates=("\${(@f)$(murmur __complete -- "\${(@)words[2,CURRENT]}" 2>/dev/null)}")
  candidates=(\${candidates:#})
  if (( \${#candidates} )); then
    compadd -a candidates
  else
    _files
  fi
}
if [ "\${funcstack[1]}" = "_murmur" ]; then
  _murmur "$@"
else
  compdef _murmur murmur
fi
`,
};
