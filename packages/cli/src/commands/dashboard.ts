import { browserOpener, openBrowser } from '../client/open-browser.js';
import { requirePrivacy } from '../client/require-privacy.js';
import { defineCommand } from '../define-command.js';

type Flags = { readonly noBrowser: boolean };

/** `murmur dashboard`. */
export const command = defineCommand<Flags, []>({
  usage: '[flags]',
  description:
    'Opens the dashboard in the browser, signed in as you are here. The address has a code in it that is good once, and for a\nminute. Where there is no browser the address is printed instead.',
  examples: [
    { brief: 'Look at what runs', line: 'murmur dashboard' },
    { brief: 'Print the address to open', line: 'murmur dashboard --no-browser' },
  ],
  parameters: {
    flags: { noBrowser: { kind: 'boolean', default: false, withNegated: false, brief: 'Print the address and open nothing' } },
  },
  async run(context, flags) {
    const settings = await context.settings();
    requirePrivacy(settings);
    const { code } = await (await context.connect()).createSignInCode({});
    const address = `${settings.server}/sign-in/code#${code}`;
    const opener = flags.noBrowser ? undefined : browserOpener(context.env);
    if (opener !== undefined) {
      context.stderr.write(`Opening the dashboard of ${settings.server} in your browser\n`);
      if (await openBrowser(opener, address, context.interruption())) return;
      context.stderr.write('That did not work. Open this within a minute:\n');
    } else context.stderr.write('Open this in a browser within a minute; it works once:\n');
    context.stdout.write(`${address}\n`);
  },
});
