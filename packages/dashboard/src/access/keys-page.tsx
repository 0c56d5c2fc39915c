import { useInfiniteQuery, useMutation } from '@connectrpc/connect-query';
import { type ApiKey, MurmurService } from '@murmur/api';
import { type ReactNode, useState } from 'react';

import { queries } from '../app/transport.js';
import { Ago } from '../parts/ago.js';
import { Allowed } from '../parts/allowed.js';
import { Button } from '../parts/button.js';
import { Confirm } from '../parts/confirm.js';
import { Fault } from '../parts/fault.js';
import { Empty, PageHead, Waiting } from '../parts/page.js';
import { shownLine, shownText } from '../parts/shown-text.js';
import { fullTime, millis } from '../parts/time.js';
import { NewKey } from './new-key.js';

/** The keys of the tenant: make one, see it once, revoke it. */
export function KeysPage(): ReactNode {
  const [all, setAll] = useState(false);
  const { data, error, fetchNextPage, hasNextPage, refetch } = useInfiniteQuery(
    MurmurService.method.listApiKeys,
    { all, pageSize: 100, pageToken: '' },
    { pageParamKey: 'pageToken', getNextPageParam: ({ nextPageToken }) => (nextPageToken === '' ? undefined : nextPageToken) },
  );
  const keys = data?.pages.flatMap((page) => page.keys);
  return (
    <>
      <PageHead
        title="API keys"
        name="API keys"
        about="Each speaks for a user or a service profile, and for no more than its maker may."
        actions={
          <Allowed to="make keys" permission="api-key.create">
            <NewKey />
          </Allowed>
        }
      />
      <label className="mb-3 inline-flex items-center gap-2">
        <input type="checkbox" checked={all} onChange={({ target }) => setAll(target.checked)} />
        Revoked and expired ones too
      </label>
      {error === null ? null : <Fault error={error} again={() => void refetch()} />}
      <div className="panel overflow-hidden">
        {keys === undefined ? (
          error === null ? (
            <Waiting what="keys" />
          ) : null
        ) : keys.length === 0 ? (
          <Empty title="There are no keys" />
        ) : (
          <ul className="divide-y divide-line">
            {keys.map((key) => (
              <KeyRow key={key.id} of={key} />
            ))}
          </ul>
        )}
      </div>
      {hasNextPage ? (
        <Button className="mt-4 w-full" onClick={() => void fetchNextPage()}>
          More
        </Button>
      ) : null}
    </>
  );
}

function KeyRow({
  of: { author, createTime, description, expireTime, id, masked, revokeTime, subject },
}: {
  readonly of: ApiKey;
}): ReactNode {
  const { error, isPending, mutate } = useMutation(MurmurService.method.revokeApiKey, {
    onSuccess: () => void queries.invalidateQueries(),
  });
  const state =
    revokeTime !== undefined ? 'revoked' : expireTime === undefined ? 'does not expire' : `until ${fullTime(millis(expireTime))}`;
  return (
    <li className="grid grid-cols-1 items-center gap-x-4 gap-y-1 px-4 py-2.5 sm:grid-cols-[minmax(0,1fr)_12rem_auto]">
      <span className="min-w-0">
        <span className="foreign block truncate font-medium">{shownText(subject)}</span>
        <span className="foreign block truncate text-xs text-ink-3">
          <code className="font-mono">{masked}</code> {shownLine(description)}
        </span>
      </span>
      <span className="text-xs text-ink-3">
        <span className="foreign block">
          by {author === '' ? 'the server' : shownText(author)}, <Ago time={createTime} />
        </span>
        {state}
      </span>
      <span>
        {error === null ? null : <Fault error={error} />}
        {revokeTime !== undefined ? null : (
          <Allowed to="revoke it" permission="api-key.delete">
            <Confirm
              label="Revoke"
              title={`Revoke the key of ${subject}?`}
              about="It is worthless from then on, and so are the keys made with it. That cannot be undone."
              confirm="Revoke it"
              weight="danger"
              disabled={isPending}
              onConfirm={() => mutate({ id })}
            />
          </Allowed>
        )}
      </span>
    </li>
  );
}
