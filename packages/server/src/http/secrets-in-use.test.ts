import { afterAll, beforeAll, describe, expect, test } from 'vitest';

import { type CallHeaders, type TestApi, startTestApi } from './testing-api.js';

describe('using a secret of the catalog', () => {
  let api: TestApi;
  let ana: CallHeaders;
  const fields = { base_image_gce_ref: 'murmur-gce-base', provisioning_script: 'true', provisioning_timeout: '5m' };
  const lacking = { code: 'PERMISSION_DENIED', message: expect.stringContaining('missing permission secret.assume') };

  beforeAll(async () => {
    api = await startTestApi();
    const everythingElse = ['recipe.*', 'image.*', 'secret.read', 'secret.list', 'secret.edit', 'secret.create', 'service-profile.*'];
    await api.bind('local/default', 'ana', everythingElse);
    await api.bind('local/default', 'ana', ['secret.assume'], 'TEAM_*');
    ana = await api.signIn('ana');
    for (const name of ['TEAM_TOKEN', 'ROOT_TOKEN']) await api.set('local/default', 'secret', { name, plaintext_value: 'xxxxxxxx' });
    await api.set('local/default', 'recipe', { name: 'theirs', ...fields, secret_allowlist: ['ROOT_TOKEN'] });
  });
  afterAll(() => api[Symbol.asyncDispose]());

  const setRecipe = (name: string, secret_allowlist: string[], description = '') =>
    api.call('setResource', { kind: 'recipe', name, document: JSON.stringify({ name, ...fields, secret_allowlist, description }) }, ana);
  const patchList = (name: string, list: string) =>
    api.call('patchResource', { kind: 'recipe', name, fields: [{ path: 'secret_allowlist', value: { case: 'yaml', value: list } }] }, ana);

  test('takes secret.assume for the name that a recipe lists, whether there is such a secret or not', async () => {
    expect(await setRecipe('own', ['TEAM_TOKEN', 'TEAM_ABSENT'])).toMatchObject({ code: 'OK' });
    for (const name of ['ROOT_TOKEN', 'ABSENT']) {
      expect(await setRecipe(`new-${name.toLowerCase().replace('_', '-')}`, [name])).toMatchObject(lacking);
      expect(await setRecipe('own', ['TEAM_TOKEN', name])).toMatchObject(lacking);
      expect(await patchList('own', `[TEAM_TOKEN, ${name}]`)).toMatchObject(lacking);
      const text = JSON.stringify({ kind: 'recipe', name: 'own', ...fields, secret_allowlist: [name] });
      expect(await api.call('applyResources', { documents: [{ text, origin: 'a.yaml' }] }, ana)).toMatchObject(lacking);
    }
  });

  test('is not asked for anew for a name that stays, and is for one that comes back', async () => {
    expect(await setRecipe('theirs', ['ROOT_TOKEN'], 'another word')).toMatchObject({ code: 'OK' });
    expect(await patchList('theirs', '[TEAM_TOKEN, ROOT_TOKEN]')).toMatchObject({ code: 'OK' });
    expect(await patchList('theirs', '[TEAM_TOKEN]')).toMatchObject({ code: 'OK' });
    expect(await patchList('theirs', '[TEAM_TOKEN, ROOT_TOKEN]')).toMatchObject(lacking);
  });

  test('takes secret.assume for the credential that an image names, and anew for another registry', async () => {
    const setImage = (image_ref: string, pull_credential_secret: string, who?: typeof ana) => {
      const document = { name: 'stock', architecture: 'ARCHITECTURE_AMD64', docker: { image_ref, pull_credential_secret } };
      if (who === undefined) return api.set('local/default', 'image', document);
      return api.call('setResource', { kind: 'image', name: 'stock', document: JSON.stringify(document) }, who);
    };
    expect(await setImage('ghcr.io/acme/stock:1', 'TEAM_TOKEN', ana)).toMatchObject({ code: 'OK' });
    expect(await setImage('ghcr.io/acme/stock:1', 'ROOT_TOKEN', ana)).toMatchObject(lacking);
    await setImage('ghcr.io/acme/stock:1', 'ROOT_TOKEN');
    expect(await setImage('collector.example.com/acme/stock:1', 'ROOT_TOKEN', ana)).toMatchObject(lacking);
    expect(await setImage('collector.example.com/acme/stock:1', '', ana)).toMatchObject({ code: 'OK' });
  });

  test('is not had by lending it to oneself', async () => {
    const lend = (secret: string) => {
      const document = JSON.stringify({ name: 'lender', grants: [{ user: 'ana' }], secret_refs: [secret] });
      return api.call('setResource', { kind: 'service-profile', name: 'lender', document }, ana);
    };
    expect(await lend('TEAM_TOKEN')).toMatchObject({ code: 'OK' });
    expect(await lend('ROOT_TOKEN')).toMatchObject({
      code: 'PERMISSION_DENIED',
      message: 'cannot give secret.assume: you do not hold it',
    });
  });
});
