import { access } from 'node:fs/promises';

import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core';

import type { TestServer } from './server.js';

/** A browser with a page that is looked after: whatever goes wrong in it is kept. */
export interface Visit {
  readonly page: Page;
  readonly context: BrowserContext;
  /** What the page has complained of so far: errors, refusals of its policy, promises that nobody heard fail. */
  readonly complaints: readonly string[];
  close(): Promise<void>;
}

/** How a page is looked at. */
export interface Looks {
  readonly theme?: 'light' | 'dark';
  readonly width?: number;
  readonly height?: number;
  /** Complaints that the test is about. */
  readonly expected?: RegExp;
}

const places = ['/usr/bin/chromium', '/usr/bin/chromium-browser', '/usr/bin/google-chrome'];

/** Starts Debian's Chromium. */
export async function startBrowser(): Promise<Browser> {
  for (const executablePath of places) {
    const isThere = await access(executablePath).then(
      () => true,
      () => false,
    );
    // Its own sandbox needs rights that containers do not give.
    if (isThere) return chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage', '--disable-gpu'] });
  }
  throw new Error('there is no Chromium; scripts/install-packages test installs it');
}

/** Opens a page of its own, as another person would have. */
export async function visit(browser: Browser, looks: Looks = {}): Promise<Visit> {
  const { expected, height = 900, theme = 'light', width = 1360 } = looks;
  const context = await browser.newContext({
    viewport: { width, height },
    colorScheme: theme,
    reducedMotion: 'reduce',
    permissions: ['clipboard-read', 'clipboard-write'],
  });
  context.setDefaultTimeout(60_000);
  const page = await context.newPage();
  const complaints: string[] = [];
  const complain = (text: string): void => {
    if (expected?.test(text) !== true) complaints.push(text);
  };
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complain(`${message.text()} (${message.location().url})`);
  });
  page.on('pageerror', (error) => complain(error.stack ?? error.message));
  return { page, context, complaints, close: () => context.close() };
}

/** Keeps a picture of a page for the guides, where that is asked for: `MURMUR_PICTURES=docs/pictures`. */
export async function picture(page: Page, name: string): Promise<void> {
  const folder = process.env['MURMUR_PICTURES'];
  if (folder !== undefined) await page.screenshot({ path: `${folder}/${name}.png`, animations: 'disabled' });
}

/** Signs in with an API key, as people do, and waits for the overview. */
export async function signIn(
  { page }: Pick<Visit, 'page'>,
  server: Pick<TestServer, 'url' | 'apiKey'>,
  key = server.apiKey,
): Promise<void> {
  await page.goto(server.url);
  await page.getByLabel('API key').fill(key);
  await page.getByRole('button', { name: 'Sign in', exact: true }).click();
  await page.getByRole('heading', { name: 'Overview' }).waitFor();
}
