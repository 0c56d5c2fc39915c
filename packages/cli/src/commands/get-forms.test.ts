import type { MessageInitShape } from '@bufbuild/protobuf';
import { Architecture, MurmurError, type ResourceSchema } from '@murmur/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';

import { runForTest } from '../testing.js';
import { startTestServer, type TestServer } from '../testing-server.js';

type Image = MessageInitShape<typeof ResourceSchema>;

function image(name: string, author: string, source: 'qemu' | 'docker', architecture: Architecture): Image {
  const where =
    source === 'qemu' ? { case: source, value: { diskDigest: 'sha256:0' } } : { case: source, value: { imageRef: `reg/${name}` } };
  const seconds = BigInt(Math.floor(Date.now() / 1000) - 3600);
  return {
    kind: 'image',
    name,
    author,
    generation: 2n,
    createTime: { seconds },
    spec: { case: 'image', value: { name, architecture, source: where as never } },
  };
}

const images = [image('debian', 'ana', 'qemu', Architecture.AMD64), image('tools', 'ben', 'docker', Architecture.ARM64)];

describe('get prints', () => {
  let server: TestServer;
  let env: Record<string, string>;
  beforeAll(async () => {
    server = await startTestServer({
      getResource({ name }) {
        const resource = images.find((one) => one.name === name);
        if (resource === undefined)
          throw new MurmurError('NOT_FOUND', `image "${name}" not found`, { hint: 'Check the name.' }).toConnect();
        return { resource };
      },
      listResources: () => ({
        columns: [{ header: 'NAME' }],
        resources: images,
        rows: images.map(({ name }) => ({ cells: [name ?? ''] })),
      }),
    });
    env = { MURMUR_SERVER: server.url, MURMUR_API_KEY: 'k' };
  });
  afterAll(() => server.close());
  const get = async (...words: string[]): Promise<string> => (await runForTest(['get', ...words], { env })).stdout;

  it('names, and what is known beside the table', async () => {
    expect(await get('image', '-o', 'name')).toBe('image/debian\nimage/tools\n');
    expect(await get('image', 'tools', '-o', 'name')).toBe('image/tools\n');
    expect(await get('image', '-o', 'wide')).toMatch(/^NAME +GENERATION +AUTHOR +AGE\ndebian +2 +ana +1h00m\ntools +2 +ben +1h00m\n$/);
  });

  it.each([
    [['image', 'tools', '-o', 'jsonpath={.docker.image_ref}'], 'reg/tools\n'],
    [['image', 'tools', '-o', 'jsonpath=name'], 'tools\n'],
    [['image', '-o', 'jsonpath={[*].name}'], 'debian\ntools\n'],
    [['image', '-o', 'jsonpath=$[?@.generation > 1].docker'], '{"image_ref":"reg/tools"}\n'],
    [['image', '-o', 'jsonpath={.nothing}'], ''],
  ])('%j', async (words, expected) => {
    expect(await get(...words)).toBe(expected);
  });

  it('says of a path that is none', async () => {
    const { code, stderr } = await runForTest(['get', 'image', '-o', 'jsonpath={[}'], { env });
    expect([code, stderr.startsWith('murmur: INVALID_ARGUMENT: "{[}" is not a JSONPath: ')]).toEqual([2, true]);
  });

  it.each([
    [['--author', 'ana'], 'image/debian\n'],
    [['--substrate', 'docker'], 'image/tools\n'],
    [['--filter', 'architecture=arm64'], 'image/tools\n'],
    [['--filter', 'docker.image_ref=reg/tools', '--author', 'ben'], 'image/tools\n'],
    [['--filter', 'name=none'], ''],
  ])('of a list those of %j', async (filters, expected) => {
    expect(await get('image', ...filters, '-o', 'name')).toBe(expected);
  });

  it('what went wrong as JSON, for who asked for JSON', async () => {
    const { code, stderr, stdout } = await runForTest(['get', 'image', 'none', '-o', 'json'], { env });
    expect({ code, stdout, errors: JSON.parse(stderr) as unknown }).toEqual({
      code: 1,
      stdout: '',
      errors: { errors: [{ code: 'NOT_FOUND', message: 'image "none" not found', hint: 'Check the name.' }] },
    });
  });
});
