import type { Column, Resource, Row, SortOrder } from '@murmur/api';

import type { MurmurClient } from './connect.js';

/** All pages of a list. */
export interface ResourceList {
  readonly columns: readonly Column[];
  readonly resources: readonly Resource[];
  readonly rows: readonly Row[];
}

/** Every resource of a kind, with the table the server makes of them. */
export async function listAll(client: MurmurClient, kind: string, sort?: SortOrder): Promise<ResourceList> {
  const resources: Resource[] = [];
  const rows: Row[] = [];
  for (let pageToken = ''; ;) {
    const page = await client.listResources({ kind, pageSize: 1000, pageToken, ...(sort === undefined ? {} : { sort }) });
    resources.push(...page.resources);
    rows.push(...page.rows);
    if (page.nextPageToken === '') return { columns: page.columns, resources, rows };
    pageToken = page.nextPageToken;
  }
}
