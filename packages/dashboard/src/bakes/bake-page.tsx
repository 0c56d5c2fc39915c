import type { Bake } from '@murmur/api';
import { Link, useParams } from '@tanstack/react-router';
import type { ReactNode } from 'react';

import { LogView } from '../log/log-view.js';
import { useBakeLog } from '../log/use-bake-log.js';
import { Ago, Span } from '../parts/ago.js';
import { Command } from '../parts/copy.js';
import { Fault } from '../parts/fault.js';
import { PageHead, Section, Waiting } from '../parts/page.js';
import { isLive, Phase } from '../parts/phase.js';
import { shownText } from '../parts/shown-text.js';
import { BakeActions } from './bake-actions.js';
import { BakeFacts } from './bake-facts.js';
import { commandOf } from './command-of.js';
import { Timeline } from './timeline.js';
import { WhatChanged } from './what-changed.js';

/** One bake: how far it is, what it says, what it is made of, and why it failed. */
export function BakePage(): ReactNode {
  const { run } = useParams({ from: '/bakes/$run' });
  const { bake, log, stream, version } = useBakeLog(run);
  if (bake === undefined) {
    return stream.state === 'refused' ? (
      <>
        <PageHead title="Bake" name="Bake" />
        <Fault error={stream.error} />
      </>
    ) : (
      <Waiting what="the bake" />
    );
  }
  return (
    <>
      <PageHead
        name={`${bake.recipe} ${bake.phase}`}
        above={
          <Link to="/bakes" className="hover:underline">
            Bakes
          </Link>
        }
        title={
          <span className="flex flex-wrap items-center gap-x-3 gap-y-1">
            {bake.recipe}
            <Phase phase={bake.phase} />
          </span>
        }
        about={<Summary bake={bake} />}
        actions={<BakeActions bake={bake} />}
      />
      {stream.state === 'reconnecting' ? (
        <p role="status" className="mb-4 rounded-md bg-busy-soft px-3.5 py-2 text-busy">
          Reconnecting to the log. It goes on where it stopped.
        </p>
      ) : null}
      {stream.state === 'refused' ? (
        <div className="mb-4">
          <Fault error={stream.error} />
        </div>
      ) : null}
      <Cause bake={bake} />
      <div className="grid grid-cols-1 gap-x-5 xl:grid-cols-[minmax(0,1fr)_21rem]">
        <div className="min-w-0">
          <Section title="Phases" aside={bake.attempt > 1 ? `attempt ${bake.attempt}` : undefined}>
            <Timeline bake={bake} />
          </Section>
          <Section title="Log" flush aside={isLive(bake.phase) ? 'live' : `${log.count.toLocaleString('en')} lines`}>
            <LogView key={bake.runId} log={log} version={version} isLive={isLive(bake.phase)} />
          </Section>
        </div>
        <div className="min-w-0">
          <Section title="Made of">
            <BakeFacts bake={bake} />
          </Section>
          <WhatChanged bake={bake} />
          <Section title="The same as a command">
            <Command line={commandOf(bake)} />
          </Section>
        </div>
      </div>
    </>
  );
}

function Summary({ bake }: { readonly bake: Bake }): ReactNode {
  return (
    <>
      {bake.environment} on {bake.placement}, started by {shownText(bake.author)} <Ago time={bake.createTime} />,{' '}
      {isLive(bake.phase) ? 'for ' : 'took '}
      <Span from={bake.createTime} to={bake.endTime} />
    </>
  );
}

/** What went wrong stands first: the sentence large, the log's last lines below it. */
function Cause({ bake: { error, keptMachine, leftBehind, waitsFor } }: { readonly bake: Bake }): ReactNode {
  const [first = '', ...rest] = error.trim().split('\n');
  return (
    <>
      {waitsFor === '' ? null : <p className="foreign mb-4 rounded-md bg-idle-soft px-3.5 py-2 text-idle">{shownText(waitsFor)}</p>}
      {error === '' ? null : (
        <div role="alert" className="mb-5 rounded-lg border border-bad/40 bg-bad-soft px-4 py-3">
          <p className="foreign font-medium text-bad">{shownText(first)}</p>
          {rest.length === 0 ? null : (
            <pre
              tabIndex={0}
              aria-label="The end of the log"
              className="mt-2 max-h-64 overflow-auto font-mono text-xs whitespace-pre-wrap text-ink-2"
            >
              {shownText(rest.join('\n'))}
            </pre>
          )}
        </div>
      )}
      {keptMachine === undefined ? null : (
        <Section title="The failed machine is kept">
          <p className="mb-2 text-ink-2">On the server’s host this opens a shell on it, for some time yet:</p>
          <Command line={keptMachine.shellCommand} />
        </Section>
      )}
      {leftBehind === '' ? null : <p className="foreign mb-4 rounded-md bg-busy-soft px-3.5 py-2 text-busy">{shownText(leftBehind)}</p>}
    </>
  );
}
