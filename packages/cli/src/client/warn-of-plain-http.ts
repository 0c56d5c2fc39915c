import { isLoopback } from '../config/settings.js';
import type { Context } from '../context.js';

/** Warns before something secret is sent where others can read it on its way: to another machine, and not by https. */
export async function warnOfPlainHttp(context: Context, what: string): Promise<void> {
  const { server } = await context.settings();
  if (!server.startsWith('http:') || isLoopback(server)) return;
  context.stderr.write(`murmur: warning: ${what} travels to ${server} unencrypted; use https\n`);
}
