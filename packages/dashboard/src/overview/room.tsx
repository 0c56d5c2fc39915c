import { useQuery } from '@connectrpc/connect-query';
import { type HostStanding, MurmurService } from '@murmur/api';
import type { ReactNode } from 'react';

import { Fault } from '../parts/fault.js';
import { Section, Waiting } from '../parts/page.js';
import { shownText } from '../parts/shown-text.js';

/** What each host has free, and which substrates are not available and why. */
export function Room(): ReactNode {
  const { data, error, refetch } = useQuery(MurmurService.method.listSubstrates, {}, { refetchInterval: 15_000 });
  return (
    <Section title="Room for machines">
      {error !== null ? (
        <Fault error={error} again={() => void refetch()} />
      ) : data === undefined ? (
        <Waiting what="the room" />
      ) : (
        <div className="flex flex-col gap-4">
          <ul className="flex flex-wrap gap-x-5 gap-y-2">
            {data.substrates.map(({ available, name, reason }) => (
              <li key={name} className="min-w-0">
                <span className={available ? 'text-good' : 'text-bad'} aria-hidden="true">
                  {available ? '●' : '○'}
                </span>{' '}
                <span className="font-medium">{name}</span> <span className="text-ink-3">{available ? 'available' : 'not available'}</span>
                {available ? null : (
                  <p className="foreign text-ink-2">{reason === '' ? 'Operators can see the reason here.' : shownText(reason)}</p>
                )}
              </li>
            ))}
            {data.substrates.length === 0 ? <li className="text-ink-2">No substrate works here; the server’s log says why.</li> : null}
          </ul>
          {data.hosts.map((host) => (
            <HostRoom key={host.name} host={host} />
          ))}
        </div>
      )}
    </Section>
  );
}

function HostRoom({ host }: { readonly host: HostStanding }): ReactNode {
  const gib = (mb: bigint): string => `${Number((Number(mb) / 1024).toFixed(1))} GiB`;
  const machines = `${host.machines} ${host.machines === 1 ? 'machine' : 'machines'}`;
  return (
    <div>
      <p className="foreign flex justify-between gap-3">
        <span className="font-medium">{shownText(host.name)}</span>
        <span className="text-ink-3">
          {machines}
          {host.waiting === 0 ? '' : `, ${host.waiting} waiting`}
        </span>
      </p>
      <Share label="Memory" part={Number(host.takenMemoryMb)} whole={Number(host.memoryMb)}>
        {gib(host.memoryMb - host.takenMemoryMb)} of {gib(host.memoryMb)} free
      </Share>
      <Share label="vCPUs" part={host.takenVcpus} whole={host.vcpus}>
        {host.vcpus - host.takenVcpus} of {host.vcpus} free
      </Share>
      {host.heldUp === '' ? null : <p className="mt-1 text-busy">No machine starts here until there is {shownText(host.heldUp)} again.</p>}
    </div>
  );
}

function Share({
  children,
  label,
  part,
  whole,
}: {
  readonly children: ReactNode;
  readonly label: string;
  readonly part: number;
  readonly whole: number;
}): ReactNode {
  return (
    <div className="mt-1.5">
      <div className="flex justify-between gap-3 text-xs text-ink-2">
        <span>{label}</span>
        <span className="tabular-nums">{children}</span>
      </div>
      <svg aria-hidden="true" viewBox="0 0 100 2" preserveAspectRatio="none" className="mt-1 h-1.5 w-full overflow-hidden rounded-full">
        <rect width="100" height="2" className="fill-line" />
        <rect width={whole <= 0 ? 0 : Math.min(100, (100 * part) / whole)} height="2" className="fill-accent" />
      </svg>
    </div>
  );
}
