import { completionScripts, type Shell, shells } from '../completion/scripts.js';
import { defineCommand } from '../define-command.js';

/** `murmur completion`. */
export const command = defineCommand<NonNullable<unknown>, [shell: Shell]>({
  usage: '<shell>',
  description: 'Prints a script that lets the shell complete commands, flags, kinds and the names of resources.',
  examples: [
    { brief: 'In bash, for this session', line: 'source <(murmur completion bash)' },
    { brief: 'In bash, always', line: 'murmur completion bash > ~/.local/share/bash-completion/completions/murmur' },
    { brief: 'In fish, always', line: 'murmur completion fish > ~/.config/fish/completions/murmur.fish' },
    { brief: 'In PowerShell, for this session', line: 'murmur completion powershell | Out-String | Invoke-Expression' },
    { brief: 'In zsh, always', line: 'murmur completion zsh > "${fpath[1]}/_murmur"' },
  ],
  parameters: {
    positional: { kind: 'tuple', parameters: [{ parse: shellName, placeholder: 'shell', brief: 'bash, zsh, fish or powershell' }] },
  },
  completes: [shells],
  async run(context, _flags, shell) {
    context.stdout.write(completionScripts[shell]);
  },
});

function shellName(input: string): Shell {
  const shell = shells.find((known) => known === input);
  if (shell === undefined) throw new SyntaxError(`must be ${shells.slice(0, -1).join(', ')} or ${shells.at(-1) ?? ''}`);
  return shell;
}
