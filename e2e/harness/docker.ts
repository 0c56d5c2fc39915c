import { create } from '@bufbuild/protobuf';
import { Architecture, ImageSchema } from '@murmur/api';

import { writePlatformImage } from '../../packages/server/src/catalog/builtins.js';
import { startTestEngine, type TestEngine } from '../../packages/server/src/substrates/docker/testing-engine.js';
import { murmurOk } from './cli.js';
import { connectToDatabase } from './database.js';
import { startServer, type TestServer } from './server.js';

/** A server whose one substrate is a Docker Engine of its own. */
export interface DockerKitchen extends AsyncDisposable {
  readonly engine: TestEngine;
  readonly server: TestServer;
}

/** Where bakes of these tests go. */
export const dockerPlace = ['murmur-docker-small', 'murmur-docker-local'] as const;

/** What is not as usual about a kitchen. */
export interface KitchenOptions {
  /** How much room the engine has for its data. */
  readonly dataMegabytes?: number;
  /** The socket at which the server finds the engine. */
  reach?(engine: TestEngine): Promise<string>;
}

/** Starts an engine with the tiny base and a server on it, which has the base as image `tiny`. */
export async function startDockerKitchen({ reach, ...options }: KitchenOptions = {}): Promise<DockerKitchen> {
  const engine = await startTestEngine(options);
  const socket = (await reach?.(engine)) ?? engine.socket;
  const substrates = { qemu: { enabled: false }, docker: { socket } };
  const server = await startServer({ configuration: JSON.stringify({ substrates }) });
  const { close, database } = await connectToDatabase(server);
  try {
    const source = { case: 'docker', value: { imageRef: engine.base } } as const;
    const architecture = process.arch === 'arm64' ? Architecture.ARM64 : Architecture.AMD64;
    await writePlatformImage(database, create(ImageSchema, { name: 'murmur-tiny-base', architecture, source }));
  } finally {
    await close();
  }
  await setDockerImage(server, 'tiny', { image_ref: engine.base });
  return {
    engine,
    server,
    async [Symbol.asyncDispose]() {
      await server.remove();
      await engine[Symbol.asyncDispose]();
    },
  };
}

/** Writes an image by hand. */
export async function setDockerImage(server: TestServer, name: string, docker: Record<string, string>): Promise<void> {
  const architecture = process.arch === 'arm64' ? 'ARCHITECTURE_ARM64' : 'ARCHITECTURE_AMD64';
  await murmurOk(server, ['set', 'image', name], { stdin: JSON.stringify({ name, architecture, docker }) });
}

/** Writes a recipe on the tiny base. */
export async function setDockerRecipe(
  server: TestServer,
  name: string,
  script: string,
  fields: Record<string, unknown> = {},
): Promise<void> {
  const document = { name, base_image_docker_ref: 'tiny', provisioning_script: script, provisioning_timeout: '2m', ...fields };
  await murmurOk(server, ['set', 'recipe', name], { stdin: JSON.stringify(document) });
}
