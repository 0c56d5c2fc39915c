import type { Filter, ResourceType, Tag, TagSpecification } from '@aws-sdk/client-ec2';

import type { Owner, Token } from '../substrate.js';

type TagName = 'installation' | 'tenant' | 'run' | 'token' | 'kept' | 'lifetime';

/** What everything is tagged with at birth. `murmur=true` is what a policy can ask for. */
export function tagsOf({ installation, runId, tenant }: Owner, token: Token, others: Partial<Record<TagName, string>> = {}): Tag[] {
  const own: Partial<Record<TagName, string>> = { installation, tenant, run: runId, token, ...others };
  return [{ Key: 'murmur', Value: 'true' }, ...Object.entries(own).map(([name, Value]) => ({ Key: `murmur-${name}`, Value }))];
}

/** The same tags for several kinds of things. */
export function tagSpecifications(types: readonly ResourceType[], Tags: Tag[]): TagSpecification[] {
  return types.map((type) => ({ ResourceType: type, Tags }));
}

/** The value of one of our tags; empty where there is none. */
export function tagOf(tags: readonly Tag[] | undefined, name: TagName): string {
  return tags?.find(({ Key }) => Key === `murmur-${name}`)?.Value ?? '';
}

/** Whose something is, by its tags. */
export function ownerOf(tags: readonly Tag[] | undefined): Owner {
  return { installation: tagOf(tags, 'installation'), tenant: tagOf(tags, 'tenant'), runId: tagOf(tags, 'run') };
}

/** The tag of what a catalog entry names. */
export const keptTag: Tag = { Key: 'murmur-kept', Value: 'true' };

/** Whether a catalog entry names it. */
export function isKept(tags: readonly Tag[] | undefined): boolean {
  return tagOf(tags, 'kept') === 'true';
}

/** What carries one of our tags with this value. */
export function tagged(name: TagName, value: string): Filter {
  return { Name: `tag:murmur-${name}`, Values: [value] };
}
