import type { EC2Client, Filter, Image, Instance, NetworkInterface, Snapshot, Volume } from '@aws-sdk/client-ec2';

import type { Site, Token } from '../substrate.js';
import type { Cloud } from './cloud.js';

/** What is in an account and region, each list read to its end. What was just made may be missing. */
export interface Lists {
  instances(filters: Filter[]): Promise<Instance[]>;
  /** The account's own. */
  images(filters: Filter[]): Promise<Image[]>;
  /** The account's own. */
  snapshots(filters: Filter[]): Promise<Snapshot[]>;
  volumes(filters: Filter[]): Promise<Volume[]>;
  interfaces(filters: Filter[]): Promise<NetworkInterface[]>;
}

/** The lists of a site, in the name of a token's run. */
export function listsOf({ accounts, ec2 }: Cloud, site: Site, token: Token | undefined, signal: AbortSignal): Lists {
  const account = accounts.of(site, token);
  const whole = <Page, Item>(pages: (client: EC2Client) => AsyncIterable<Page>, items: (page: Page) => Item[]): Promise<Item[]> =>
    account.ask(
      signal,
      async (client) => {
        const found: Item[] = [];
        for await (const page of pages(client)) found.push(...items(page));
        return found;
      },
      'patient',
    );
  return {
    instances: (Filters) =>
      whole(
        (client) => ec2.paginateDescribeInstances({ client }, { Filters }),
        ({ Reservations = [] }) => Reservations.flatMap(({ Instances = [] }) => Instances),
      ),
    images: (Filters) =>
      whole(
        (client) => ec2.paginateDescribeImages({ client }, { Owners: ['self'], Filters }),
        ({ Images = [] }) => Images,
      ),
    snapshots: (Filters) =>
      whole(
        (client) => ec2.paginateDescribeSnapshots({ client }, { OwnerIds: ['self'], Filters }),
        ({ Snapshots = [] }) => Snapshots,
      ),
    volumes: (Filters) =>
      whole(
        (client) => ec2.paginateDescribeVolumes({ client }, { Filters }),
        ({ Volumes = [] }) => Volumes,
      ),
    interfaces: (Filters) =>
      whole(
        (client) => ec2.paginateDescribeNetworkInterfaces({ client }, { Filters }),
        ({ NetworkInterfaces = [] }) => NetworkInterfaces,
      ),
  };
}

/** What has one of these ids. As a filter: an id that is not to be seen yet is then no error. */
export function withIds(filter: 'instance-id' | 'image-id' | 'snapshot-id', ids: readonly string[]): Filter[] {
  return [{ Name: filter, Values: [...ids] }];
}
