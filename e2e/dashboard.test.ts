import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { accessibilityFaults } from './harness/axe.js';
import { callApi } from './harness/api.js';
import { setRecipe } from './harness/bakes.js';
import { picture, signIn, startBrowser, visit } from './harness/browser.js';
import { murmurOk } from './harness/cli.js';
import { startServer, type TestServer } from './harness/server.js';
import { setTinyImage } from './harness/tiny-base.js';

const place = ['murmur-qemu-small', 'murmur-qemu-local'] as const;

/** What a browser fetches of scripts before it shows the overview, as it comes over the wire with gzip. */
async function weightOfFirstPage(url: string, paths: readonly string[]): Promise<number> {
  const sizes = await Promise.all(
    paths.map(async (path) => {
      const response = await fetch(new URL(path, url), { headers: { 'accept-encoding': 'gzip' } });
      return Number(response.headers.get('content-length'));
    }),
  );
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe('the dashboard', () => {
  let server: TestServer;
  let browser: Browser;

  beforeAll(async () => {
    [server, browser] = await Promise.all([startServer(), startBrowser()]);
    await setTinyImage(server);
  });
  afterAll(async () => {
    await browser.close();
    await server.remove();
  });

  it('is signed in to with an API key, whose scripts weigh at most 200 KB, and the key stays in the tab', async () => {
    const visited = await visit(browser, { expected: /401 \(Unauthorized\)/ });
    const { page } = visited;
    const scripts = new Set<string>();
    page.on('response', (response) => {
      if (response.request().resourceType() === 'script') scripts.add(new URL(response.url()).pathname);
    });
    await page.goto(`${server.url}/`);
    expect(await accessibilityFaults(page)).toEqual([]);
    await page.getByLabel('API key').fill('mur_wrong.key');
    await page.getByRole('button', { name: 'Sign in', exact: true }).click();
    await page.getByText('The server does not take this key').waitFor();
    await signIn(visited, server);
    await page.getByText('There is no recipe yet').waitFor();
    expect(scripts.size).toBeGreaterThan(3);
    expect(await weightOfFirstPage(server.url, [...scripts])).toBeLessThan(200_000);
    expect(await page.evaluate('JSON.stringify({ ...localStorage }) + document.cookie')).not.toContain('mur_');
    expect(visited.complaints).toEqual([]);
    await visited.close();
  });

  it('shows a bake as it runs, its log to the end, the image it made, and a failed one with its cause', async () => {
    await setRecipe(server, 'greeter', '#!/bin/sh\nfor i in 1 2 3; do printf "\\033[32mline %s\\033[0m\\n" $i; sleep 1; done\n');
    await setRecipe(server, 'breaker', '#!/bin/sh\necho about to break\nexit 3\n');
    const visited = await visit(browser);
    const { page } = visited;
    await signIn(visited, server);
    await page.getByText('No bake is running').waitFor();

    await murmurOk(server, ['bake', 'greeter', ...place]);
    // It shows up by itself.
    await page.getByRole('link', { name: 'greeter', exact: true }).first().click();
    await page.getByText('line 3').waitFor();
    await page.getByText('completed', { exact: true }).first().waitFor();
    await page.getByRole('link', { name: /^greeter-[0-9a-f]{16}$/ }).waitFor();
    expect(await accessibilityFaults(page)).toEqual([]);
    await picture(page, 'bake');

    await page.getByRole('link', { name: 'Overview', exact: true }).click();
    await murmurOk(server, ['bake', 'breaker', ...place]);
    const failures = page.getByRole('region', { name: 'Failed in the last 24 hours' });
    await failures.getByRole('link', { name: 'breaker' }).click();
    await page
      .getByRole('alert')
      .getByText(/exit(ed with)? (code|status)? ?3/)
      .waitFor();
    await page.getByRole('region', { name: 'Lines of the log' }).getByText('about to break').waitFor();
    await picture(page, 'failed-bake');
    await page.getByRole('link', { name: 'Overview', exact: true }).click();
    await failures.getByRole('link', { name: 'breaker' }).waitFor();
    await picture(page, 'overview');
    expect(visited.complaints).toEqual([]);
    await visited.close();
  });

  it('lets a session end with its key', async () => {
    const { key, token } = (await callApi(server, 'CreateApiKey', { subject: 'ana@example.com' })) as {
      key: { id: string };
      token: string;
    };
    await callApi(server, 'SetResource', {
      kind: 'tenant-binding',
      name: 'viewers',
      document: JSON.stringify({ name: 'viewers', users: ['ana@example.com'], permissions: ['*.read', '*.list'] }),
    });
    const visited = await visit(browser, { expected: /401 \(Unauthorized\)/ });
    const { page } = visited;
    await setRecipe(server, 'not-yours', 'true');
    await signIn(visited, server, token);
    await page.goto(`${server.url}/recipes/not-yours`);
    // What a viewer may not do is not offered, and says why.
    await page.getByRole('button', { name: 'You may not bake this recipe' }).click();
    await page.getByText('no binding gives it to ana@example.com').first().waitFor();
    expect(await page.getByRole('button', { name: 'Bake', exact: true }).count()).toBe(0);
    await callApi(server, 'RevokeApiKey', { id: key.id });
    await page.getByRole('link', { name: 'Images', exact: true }).click();
    await page.getByText('Your session has ended').waitFor();
    expect(visited.complaints).toEqual([]);
    await visited.close();
  });
});
