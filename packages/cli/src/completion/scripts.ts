/** The shells that can complete. */
export const shells = ['bash', 'zsh', 'fish', 'powershell'] as const;

/** One of {@link shells}. */
export type Shell = (typeof shells)[number];

/** Scripts that make a shell ask `murmur __complete` for candidates; where there are none it offers files. */
export const completionScripts: Readonly<Record<Shell, string>> = {
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
  fish: `# fish completion for murmur
function __murmur_complete
    set -l words (commandline -opc)
    murmur __complete -- $words[2..-1] (commandline -ct) 2>/dev/null
end
complete -c murmur -a '(__murmur_complete)'
`,
  powershell: `# PowerShell completion for murmur
Register-ArgumentCompleter -Native -CommandName murmur -ScriptBlock {
    param($word, $ast, $position)
    $words = @($ast.CommandElements | Select-Object -Skip 1 | Where-Object { $_.Extent.EndOffset -lt $position } | ForEach-Object { $_.Extent.Text })
    murmur __complete -- @words "$word" 2>$null | ForEach-Object {
        [System.Management.Automation.CompletionResult]::new($_, $_, 'ParameterValue', $_)
    }
}
`,
};
