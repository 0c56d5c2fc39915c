import { candidatesFor } from '../completion/candidates.js';
import { defineCommand } from '../define-command.js';

/** `murmur __complete`: what completion scripts call with the words typed so far, the last of which is to be completed. */
export const command = defineCommand<NonNullable<unknown>, string[]>({
  usage: '-- <word>...',
  description: 'Prints what could stand in place of the last word, one candidate a line.',
  examples: [],
  parameters: { positional: { kind: 'array', parameter: { parse: String, placeholder: 'word', brief: 'The words typed so far' } } },
  async run(context, _flags, ...words) {
    const candidates = await candidatesFor(context, words);
    context.stdout.write(candidates.map((candidate) => `${candidate}\n`).join(''));
  },
});
