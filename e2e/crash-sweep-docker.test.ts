import { connectEngine } from '../packages/server/src/substrates/docker/engine.js';
import { describeCrashSweep } from './harness/crash-sweep.js';
import { dockerPlace, startDockerKitchen } from './harness/docker.js';

const setUp = async () => {
  const kitchen = await startDockerKitchen();
  const { docker } = await connectEngine(kitchen.engine.socket);
  const [environment, placement] = dockerPlace;
  return {
    server: kitchen.server,
    environment,
    placement,
    baseField: 'base_image_docker_ref',
    nameOf: ({ docker: source }: Readonly<Record<string, unknown>>) => (source as { image_ref: string }).image_ref,
    async things() {
      const [containers, images, { Volumes }] = await Promise.all([
        docker.listContainers({ all: true }),
        docker.listImages({ all: true }),
        docker.listVolumes(),
      ]);
      return [
        ...containers.flatMap(({ Names }) => Names),
        ...images.flatMap(({ Id, RepoTags }) => [Id, ...(RepoTags ?? []).filter((tag) => tag.startsWith('murmur-pending'))]),
        ...(Volumes ?? []).map(({ Name }) => Name),
      ];
    },
    [Symbol.asyncDispose]: () => kitchen[Symbol.asyncDispose](),
  };
};

describeCrashSweep('Docker', setUp, ['launch', 'provision', 'capture', 'register']);
