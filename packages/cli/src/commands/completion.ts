import { completionScripts } from '../completion/scripts.js';
import { defineCommand } from '../define-command.js';

/** `murmur completion`. */
export const command = defineCommand<NonNullable<unknown>, [shell: 'bash' | 'zsh']>({
  usage: '<shell>',
  description: 'Prints a script that lets the shell complete commands, flags, kinds and the names of resources.',
  examples: [
    { brief: 'In bash, for this session', line: 'source <(murmur completion bash)' },
    { brief: 'In bash, always', line: 'murmur completion bash > ~/.local/share/bash-completion/completions/murmur' },
    { brief: 'In zsh, always', line: 'murmur completion zsh > "${fpath[1]}/_murmur"' },
  ],
  parameters: {
    positional: { kind: 'tuple', parameters: [{ parse: shellName, placeholder: 'shell', brief: 'bash or zsh' }] },
  },
  completes: [['bash', 'zsh']],
  async run(context, _flags, shell) {
    context.stdout.write(completionScripts[shell]);
  },
});

function shellName(input: string): 'bash' | 'zsh' {
  if (input === 'bash' || input === 'zsh') return input;
  throw new SyntaxError('must be bash or zsh');
}
