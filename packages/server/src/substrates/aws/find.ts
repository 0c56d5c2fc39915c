import type { Image } from '@aws-sdk/client-ec2';

import type { PublishedBase, Site } from '../substrate.js';
import type { Cloud } from './cloud.js';

/** Who publishes, by the account that nobody else can publish from (https://wiki.debian.org/Cloud/AmazonEC2Image, https://ubuntu.com/server/docs/cloud-images/amazon-ec2). */
const publishers = [
  { publisher: 'Debian', owner: '136693071363', names: ['debian-12-*', 'debian-13-*'] },
  {
    publisher: 'Ubuntu',
    owner: '099720109477',
    names: ['ubuntu/images/hvm-ssd/ubuntu-jammy-22.04-*-server-*', 'ubuntu/images/hvm-ssd-gp3/ubuntu-noble-24.04-*-server-*'],
  },
] as const;

/** The newest AMI of each release and architecture that Debian and Ubuntu publish in the site's region. */
export async function findPublished(cloud: Cloud, site: Site, signal: AbortSignal): Promise<readonly PublishedBase[]> {
  const account = cloud.accounts.of(site);
  const found: PublishedBase[] = [];
  for (const { names, owner, publisher } of publishers) {
    const Filters = [
      { Name: 'name', Values: [...names] },
      { Name: 'state', Values: ['available'] },
    ];
    const images = await account.ask(signal, async (client) => {
      const all: Image[] = [];
      for await (const page of cloud.ec2.paginateDescribeImages({ client }, { Owners: [owner], Filters })) all.push(...(page.Images ?? []));
      return all;
    });
    for (const image of newestOfEach(images)) {
      const { Architecture: its, CreationDate: published = '', ImageId: id = '', Name: name = '' } = image;
      found.push({ publisher, name, id, published, architecture: its === 'arm64' ? 'ARM64' : 'AMD64' });
    }
  }
  return found;
}

/** What a name has before the day of its build is the release and the architecture. */
function newestOfEach(images: readonly Image[]): readonly Image[] {
  const newest = new Map<string, Image>();
  for (const image of images) {
    const release = (image.Name ?? '').replace(/-\d{8}.*$/, '');
    if ((newest.get(release)?.CreationDate ?? '') < (image.CreationDate ?? '')) newest.set(release, image);
  }
  return [...newest].toSorted(([a], [b]) => a.localeCompare(b)).map(([, image]) => image);
}
