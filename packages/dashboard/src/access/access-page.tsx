import { useMutation, useQuery } from '@connectrpc/connect-query';
import { MurmurService } from '@murmur/api';
import { type ReactNode, useState } from 'react';

import { Button } from '../parts/button.js';
import { Facts } from '../parts/facts.js';
import { Fault } from '../parts/fault.js';
import { PageHead, Section, Waiting } from '../parts/page.js';
import { shownText } from '../parts/shown-text.js';
import { fullTime, millis } from '../parts/time.js';

const field = 'min-h-8 w-full min-w-0 rounded-md border border-line-strong bg-panel px-2.5 font-mono text-xs';

/** Who am I, through what, and what may I do. */
export function AccessPage(): ReactNode {
  const { data, error, refetch } = useQuery(MurmurService.method.whoAmI, {});
  return (
    <>
      <PageHead title="Who am I" name="Who am I" />
      {error === null ? null : <Fault error={error} again={() => void refetch()} />}
      <div className="grid grid-cols-1 items-start gap-x-5 lg:grid-cols-2">
        <Section title="You">
          {data === undefined ? (
            <Waiting what="who you are" />
          ) : (
            <Facts
              of={[
                ['Identity', shownText(data.subject)],
                ['Tenant', shownText(data.tenant)],
                ['API key', data.keyId],
                ['Issuer', shownText(data.issuer)],
                ['Operator', data.operator ? 'yes: runs this installation' : 'no'],
                ['Ends', data.expireTime === undefined ? 'does not expire' : fullTime(millis(data.expireTime))],
              ]}
            />
          )}
        </Section>
        <Check />
      </div>
    </>
  );
}

function Check(): ReactNode {
  const [permissions, setPermissions] = useState('recipe.edit');
  const [resource, setResource] = useState('');
  const { data, error, isPending, mutate } = useMutation(MurmurService.method.checkPermissions);
  return (
    <Section title="Check a permission">
      <form
        className="flex flex-wrap items-end gap-2"
        onSubmit={(event) => {
          event.preventDefault();
          mutate({ permissions: permissions.split(/[\s,]+/).filter((one) => one !== ''), resource: resource.trim() });
        }}
      >
        <label className="flex flex-1 basis-48 flex-col gap-0.5 text-2xs text-ink-3">
          Permissions
          <input value={permissions} onChange={({ target }) => setPermissions(target.value)} className={field} spellCheck={false} />
        </label>
        <label className="flex flex-1 basis-48 flex-col gap-0.5 text-2xs text-ink-3">
          For a resource, or for all
          <input
            placeholder="recipe/my-tools"
            value={resource}
            onChange={({ target }) => setResource(target.value)}
            className={field}
            spellCheck={false}
          />
        </label>
        <Button type="submit" weight="main" disabled={isPending}>
          Check
        </Button>
      </form>
      <div aria-live="polite" className="mt-3 flex flex-col gap-2">
        {error === null ? null : <Fault error={error} />}
        {data?.checks.map(({ allowed, permission, reason }) => (
          <p key={permission} className="foreign">
            <span className={`font-medium ${allowed ? 'text-good' : 'text-bad'}`}>{allowed ? 'Yes' : 'No'}</span>{' '}
            <code className="font-mono text-xs">{shownText(permission)}</code>: {shownText(reason)}
          </p>
        ))}
      </div>
    </Section>
  );
}
