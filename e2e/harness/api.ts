import type { TestServer } from './server.js';

/** One call of the API as plain JSON, as any other client makes it. */
export async function callApi(server: TestServer, method: string, request: object, key = server.apiKey): Promise<Record<string, unknown>> {
  const response = await fetch(`${server.url}/murmur.api.v1.MurmurService/${method}`, {
    method: 'POST',
    headers: { authorization: `Bearer ${key}`, 'content-type': 'application/json' },
    body: JSON.stringify(request),
  });
  return (await response.json()) as Record<string, unknown>;
}

interface Named {
  readonly name: string;
}

const kinds = ['recipe', 'image', 'environment', 'placement', 'workspace', 'secret', 'service-profile', 'role', 'group', 'tenant-binding'];

/** The recipes and images of a tenant at their generations, and its bakes: two of them are equal when nothing has changed. */
export async function listsOf(server: TestServer): Promise<unknown> {
  return Promise.all([list(server, 'recipe'), list(server, 'image'), callApi(server, 'ListBakes', { pageSize: 100 })]);
}

/** All that a tenant's catalog holds, with every generation of it, and its bakes. */
export async function catalogOf(server: TestServer): Promise<unknown> {
  const perKind = await Promise.all(
    kinds.map(async (kind) => {
      const resources = await list(server, kind);
      return Promise.all(resources.map((resource) => callApi(server, 'ListGenerations', { kind, name: resource.name })));
    }),
  );
  return [...perKind, await listsOf(server)];
}

async function list(server: TestServer, kind: string): Promise<readonly Named[]> {
  const { resources } = await callApi(server, 'ListResources', { kind, pageSize: 1000 });
  // The API's own JSON; what else a resource says is only compared.
  return (resources ?? []) as readonly Named[];
}
