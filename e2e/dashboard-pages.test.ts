import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { callApi } from './harness/api.js';
import { accessibilityFaults } from './harness/axe.js';
import { signIn, startBrowser, visit } from './harness/browser.js';
import { murmurOk } from './harness/cli.js';
import { setFailedBake } from './harness/ended-bake.js';
import { type SignInIssuer, startSignInIssuer } from './harness/issuer.js';
import { setLongLog } from './harness/long-log.js';
import { startServer, type TestServer } from './harness/server.js';
import { eventually } from './harness/wait.js';

const whole = process.env['MURMUR_FULL'] === 'sweep';
const markup = '<img src=x onerror="document.title=1"><script>document.title=2</script>';
const hostile = `${markup} \u202eright-to-left\u202c \u200bzero &amp; "quoted" {{x}}`;

/** Every page there is, of a recipe and a bake that a test has made. */
function pagesOf(runId: string, theme?: 'light' | 'dark'): readonly string[] {
  const all = [
    ...['/', '/bakes', `/bakes/${runId}`, '/recipes', '/recipes/strange', '/edit/recipe/strange', '/history/recipe/strange', '/new/recipe'],
    ...['/images', '/images/murmurless', '/catalog/machine-type', '/catalog/machine-type/murmur-qemu-small', '/catalog/secret'],
    ...['/catalog/workspace/strange', '/access', '/access/keys', '/access/audit', '/no/such/page'],
  ];
  // Most of what the others are made of is on these.
  const some = theme === 'dark' ? ['/', '/images/murmurless'] : [`/bakes/${runId}`, '/edit/recipe/strange'];
  return whole ? all : some;
}

/** Waits until a page has what it asked the server for. */
async function settled(page: Page): Promise<void> {
  await page.locator('main').waitFor();
  await eventually('everything to be there', async () => ((await page.getByText(/^Loading .*…$/).count()) === 0 ? true : undefined));
}

describe('the pages of the dashboard', () => {
  let server: TestServer;
  let browser: Browser;
  let issuer: SignInIssuer;
  let runId: string;

  beforeAll(async () => {
    issuer = await startSignInIssuer();
    [server, browser] = await Promise.all([startServer({ configuration: issuer.configuration }), startBrowser()]);
    const set = (kind: string, name: string, fields: object) =>
      callApi(server, 'SetResource', { kind, name, document: JSON.stringify({ name, description: hostile, ...fields }) });
    const image = { architecture: 'ARCHITECTURE_AMD64', qemu: { disk_digest: `sha256:${'0'.repeat(64)}` }, preinstalled: hostile };
    await set('image', 'murmurless', image);
    await set('recipe', 'strange', {
      base_image_qemu_ref: 'murmurless',
      provisioning_script: `#!/bin/sh\necho '${markup}'\n`,
      provisioning_timeout: '5m',
    });
    await set('workspace', 'strange', {
      image_ref: 'murmurless',
      environment_ref: 'murmur-qemu-small',
      placement: 'murmur-qemu-local',
      repos: [{ clone_url: 'https://git.example.com/a.git', base_branch: 'main' }],
    });
    runId = await setFailedBake(server, 'strange', `the script failed with exit code 1: ${hostile}\n${markup}\n`);
    const lines = [markup, 'x'.repeat(1_000_000), '\u001b[31mred\u001b[0m \u001b]0;title\u0007 \u0007bell', hostile, '10%\r100%'];
    await setLongLog(server, runId, 100_000, (index) => lines[index] ?? `line ${index + 1} of a log that goes on for long`);
  });
  afterAll(async () => {
    await browser.close();
    await server.remove();
    await issuer.close();
  });

  it.each(['light', 'dark'] as const)(
    'have nothing that axe-core finds wrong, and show hostile content as text, in the %s theme',
    async (theme) => {
      const visited = await visit(browser, { theme, expected: /status of 404/ });
      const { page } = visited;
      await signIn(visited, server);
      for (const path of pagesOf(runId, theme)) {
        await page.goto(`${server.url}${path}`);
        await settled(page);
        expect([path, await accessibilityFaults(page)]).toEqual([path, []]);
        expect([path, await page.locator('img[src=x]').count(), await page.title()]).toEqual([path, 0, expect.stringMatching(/Murmur$/)]);
      }
      expect(visited.complaints).toEqual([]);
      await visited.close();
    },
  );

  it.runIf(whole)('are whole on a screen 360 pixels wide', async () => {
    const visited = await visit(browser, { width: 360, height: 740, expected: /status of 404/ });
    const { page } = visited;
    await signIn(visited, server);
    for (const path of pagesOf(runId)) {
      await page.goto(`${server.url}${path}`);
      await settled(page);
      expect([path, await page.evaluate('document.documentElement.scrollWidth')]).toEqual([path, 360]);
    }
    await page.getByRole('button', { name: 'Menu' }).press('Enter');
    await page.getByRole('dialog', { name: 'Menu' }).getByRole('link', { name: 'Recipes' }).press('Enter');
    await page.getByRole('heading', { name: 'Recipes' }).waitFor();
    expect(visited.complaints).toEqual([]);
    await visited.close();
  });

  it('show a log of 100,000 lines, a megabyte in one of them, without a frame over 100 ms once it is there', async () => {
    const visited = await visit(browser);
    const { page } = visited;
    await signIn(visited, server);
    await page.goto(`${server.url}/bakes/${runId}#L50000`);
    const log = page.getByRole('region', { name: 'Lines of the log' });
    await page.locator('[data-lines="100000"]').waitFor();
    await log.getByText('line 50000 of a log').waitFor();
    const work = await page.context().newCDPSession(page);
    await work.send('Performance.enable', { timeDomain: 'threadTicks' });
    const busy = async () => (await work.send('Performance.getMetrics')).metrics.find(({ name }) => name === 'TaskDuration')?.value ?? NaN;
    const before = await busy();
    const slowest = [await page.evaluate<number>(scrollThrough)];
    // What the page itself works for a frame, whatever else the machine does at the same time.
    expect(((await busy()) - before) / frames).toBeLessThan(0.05);
    // A machine that does much else gives a browser no even frames; of a few times, one is undisturbed.
    while (whole && slowest.length < 5) slowest.push(await page.evaluate<number>(scrollThrough));
    expect(Math.min(...slowest)).toBeLessThan(whole ? 100 : Infinity);
    await log.press('Home');
    await log.getByText('998,000 more characters').waitFor();
    await log.getByText(markup, { exact: true }).waitFor();
    expect(await log.getByText('red', { exact: true }).getAttribute('class')).toBe('sgr-ink-1');
    await page.getByRole('searchbox', { name: 'Search the log' }).fill('line 99999 of');
    await page.getByText('1 of 1', { exact: true }).waitFor();
    await log.getByText('line 99999 of').waitFor();
    expect(visited.complaints).toEqual([]);
    await visited.close();
  });

  it('show a document’s faults at their lines as one types, and let nobody write over what another has stored meanwhile', async () => {
    // Chromium gives what is typed over a selection the look of it, as a style that the policy refuses; the editor draws it anew.
    const visited = await visit(browser, { expected: /status of (400|409)|Applying inline style/ });
    const { page } = visited;
    await signIn(visited, server);
    await page.goto(`${server.url}/new/recipe`);
    const editor = page.getByRole('textbox', { name: 'Document of the recipe' });
    const write = async (text: string): Promise<void> => {
      await editor.press('ControlOrMeta+a');
      await page.keyboard.insertText(text);
    };
    const lines = ['name: typed', 'base_image_qemu_ref: murmurless', 'provisioning_timeout: soon', 'provisioning_script: "true"'];
    await write(lines.join('\n'));
    await page.getByText(/^Line 3: .*provisioning_timeout/).waitFor();
    await write(lines.join('\n').replace('soon', '5m'));
    await page.getByText(/^Line 3: /).waitFor({ state: 'detached' });
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByRole('heading', { name: 'typed', exact: true }).waitFor();

    await page.getByRole('link', { name: 'Edit' }).click();
    await write(lines.join('\n').replace('soon', '6m'));
    const theirs = { name: 'typed', base_image_qemu_ref: 'murmurless', provisioning_timeout: '7m', provisioning_script: 'true' };
    await callApi(server, 'SetResource', { kind: 'recipe', name: 'typed', document: JSON.stringify(theirs) });
    await page.getByRole('button', { name: 'Save' }).click();
    await page.getByText('has stored generation 2 while you were editing generation 1').waitFor();
    expect(JSON.stringify(await callApi(server, 'GetResource', { kind: 'recipe', name: 'typed' }))).toContain('"7m"');
    await page.getByRole('button', { name: 'Replace it with mine' }).click();
    await page.getByRole('heading', { name: 'typed', exact: true }).waitFor();
    expect(JSON.stringify(await callApi(server, 'GetResource', { kind: 'recipe', name: 'typed' }))).toContain('"6m"');
    expect(visited.complaints).toEqual([]);
    await visited.close();
  });

  it('are signed in to by an issuer, with a proof key', async () => {
    // The issuer's own pages ask for a font from elsewhere, and ana may not list anything here.
    const visited = await visit(browser, { expected: /status of 403|fonts\.googleapis\.com|favicon\.ico/ });
    const { page } = visited;
    await page.goto(`${server.url}/recipes`);
    await page.getByRole('button', { name: `Sign in with ${new URL(issuer.url).host}` }).click();
    await page.getByPlaceholder('Enter any login').fill('ana');
    await page.getByPlaceholder('and password').fill('any');
    await page.getByRole('button', { name: /sign-in/i }).click();
    await page.getByRole('button', { name: 'Continue' }).click();
    // Back on the page where it began.
    await page.getByRole('heading', { name: 'Recipes' }).waitFor();
    await page.getByRole('link', { name: /ana/ }).click();
    await page.getByText(issuer.url).waitFor();
    expect(page.url()).toBe(`${server.url}/access`);
    await page.getByRole('button', { name: 'Sign out' }).click();
    await page.getByLabel('API key').waitFor();
    expect(visited.complaints).toEqual([]);
    await visited.close();
  });

  it('are opened by murmur dashboard, whose address works once', async () => {
    const address = (await murmurOk(server, ['dashboard', '--no-browser'])).trim();
    const [first, second] = [await visit(browser), await visit(browser, { expected: /401 \(Unauthorized\)/ })];
    await first.page.goto(address);
    await first.page.getByRole('heading', { name: 'Overview' }).waitFor();
    expect(first.page.url()).toBe(`${server.url}/`);
    await second.page.goto(address);
    await second.page.getByText('This sign-in code is not good any more').waitFor();
    expect([...first.complaints, ...second.complaints]).toEqual([]);
    await first.close();
    await second.close();
  });

  it('refuse to be framed, and a script that is written into them', async () => {
    const { headers } = await fetch(server.url, { headers: { accept: 'text/html' } });
    expect(headers.get('content-security-policy')).toContain("frame-ancestors 'none'");
    const visited = await visit(browser, { expected: /Content Security Policy/ });
    const { page } = visited;
    await page.goto(server.url);
    await page.getByLabel('API key').waitFor();
    await page.evaluate(`document.body.append(Object.assign(document.createElement('script'), { textContent: 'document.title = "run"' }))`);
    await page.evaluate(`document.body.insertAdjacentHTML('beforeend', '<img src=x onerror="document.title=1">')`);
    expect(await page.title()).toBe('Sign in · Murmur');
    await visited.close();
  });
});

/** How many frames it takes. */
const frames = 240;

/** Scrolls a log from end to end, and gives the longest time between two frames, in milliseconds. */
const scrollThrough = `new Promise((resolve) => {
  const log = document.querySelector('[data-lines]');
  let slowest = 0;
  let last = 0;
  let at = 0;
  const step = (now) => {
    if (at > 5) slowest = Math.max(slowest, now - last);
    last = now;
    at += 1;
    log.scrollTop = (log.scrollHeight * (at % 120)) / 120;
    if (at < ${frames}) requestAnimationFrame(step);
    else resolve(slowest);
  };
  requestAnimationFrame(step);
})`;
