import { type ReactNode, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';

import { Button } from '../parts/button.js';
import { LogLine } from './log-line.js';
import type { LogLines } from './log-lines.js';
import { useLineLink } from './use-line-link.js';

const rowHeight = 20;
/** Lines beyond the edges that are there already when somebody scrolls. */
const margin = 20;

/** A log of any length: only the lines on the screen are on the page. */
export function LogView({
  log,
  version,
  isLive,
}: {
  readonly log: LogLines;
  readonly version: number;
  readonly isLive: boolean;
}): ReactNode {
  const box = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: 600 });
  const [follows, setFollows] = useState(isLive);
  const [hasTimes, setTimes] = useState(false);
  const [search, setSearch] = useState('');
  const [chosen, setChosen] = useState(0);
  const linked = useLineLink();
  const count = log.count;

  const found = useMemo(() => (search === '' ? [] : log.find(search)), [log, search, version]);
  const marked = useMemo(() => new Set(found), [found]);
  const current = found[Math.min(chosen, found.length - 1)];

  useLayoutEffect(() => {
    const element = box.current;
    if (element === null) return undefined;
    const watch = new ResizeObserver(() => setView((before) => ({ ...before, height: element.clientHeight })));
    watch.observe(element);
    return () => watch.disconnect();
  }, []);
  useLayoutEffect(() => {
    if (follows && linked === undefined) box.current?.scrollTo({ top: count * rowHeight });
  }, [count, follows, linked, version]);
  const show = (line: number): void => {
    setFollows(false);
    box.current?.scrollTo({ top: Math.max(0, line * rowHeight - view.height / 3) });
  };
  const reached = linked !== undefined && linked < count;
  useEffect(() => {
    if (reached) show(linked);
  }, [reached, linked]);
  useEffect(() => {
    if (current !== undefined) show(current);
  }, [current]);

  const from = Math.max(0, Math.floor(view.top / rowHeight) - margin);
  const to = Math.min(count, Math.ceil((view.top + view.height) / rowHeight) + margin);
  const digits = String(count).length;
  const step = (by: number): void => setChosen((at) => (found.length === 0 ? 0 : (at + by + found.length) % found.length));
  const markOf = (index: number): 'linked' | 'current' | 'found' | undefined =>
    index === linked ? 'linked' : index === current ? 'current' : marked.has(index) ? 'found' : undefined;

  return (
    <>
      <div className="flex flex-wrap items-center gap-2 border-b border-line px-3 py-2">
        <input
          type="search"
          aria-label="Search the log"
          placeholder="Search the log"
          value={search}
          onChange={({ target }) => {
            setSearch(target.value);
            setChosen(0);
          }}
          onKeyDown={(event) => {
            if (event.key === 'Enter') step(event.shiftKey ? -1 : 1);
          }}
          className="min-h-8 min-w-0 flex-1 basis-40 rounded-md border border-line-strong bg-panel px-2.5"
        />
        <span aria-live="polite" className="text-xs text-ink-3 tabular-nums">
          {search === '' ? '' : found.length === 0 ? 'Nothing found' : `${Math.min(chosen, found.length - 1) + 1} of ${found.length}`}
        </span>
        {found.length === 0 ? null : (
          <>
            <Button onClick={() => step(-1)}>Previous</Button>
            <Button onClick={() => step(1)}>Next</Button>
          </>
        )}
        <Button
          aria-pressed={hasTimes}
          onClick={() => setTimes(!hasTimes)}
          className="aria-pressed:bg-accent-soft aria-pressed:text-accent"
        >
          Times
        </Button>
        <Button
          aria-pressed={follows}
          onClick={() => setFollows(!follows)}
          className="aria-pressed:bg-accent-soft aria-pressed:text-accent"
        >
          Follow
        </Button>
        <Button onClick={() => download(log.text())}>Download</Button>
      </div>
      <div
        ref={box}
        role="region"
        aria-label="Lines of the log"
        tabIndex={0}
        data-lines={count}
        onScroll={({ currentTarget }) => {
          setView({ top: currentTarget.scrollTop, height: currentTarget.clientHeight });
        }}
        onWheel={({ deltaY }) => {
          if (deltaY < 0) setFollows(false);
        }}
        onKeyDown={({ key }) => {
          if (['ArrowUp', 'PageUp', 'Home'].includes(key)) setFollows(false);
          if (key === 'End') setFollows(true);
        }}
        className="h-[65dvh] min-h-72 overflow-auto overscroll-contain bg-panel font-mono text-xs leading-5"
      >
        <div className="relative min-w-full" style={{ height: count * rowHeight, width: `${log.width + digits + (hasTimes ? 16 : 5)}ch` }}>
          <div className="absolute inset-x-0 top-0" style={{ transform: `translateY(${from * rowHeight}px)` }}>
            {Array.from({ length: Math.max(0, to - from) }, (_, at) => from + at).map((index) => (
              <LogLine
                key={index}
                index={index}
                digits={digits}
                search={marked.has(index) ? search : ''}
                mark={markOf(index)}
                time={hasTimes ? clock(log.timeOf(index)) : undefined}
                {...log.shown(index)}
              />
            ))}
          </div>
        </div>
      </div>
    </>
  );
}

function clock(at: number | undefined): string {
  return at === undefined ? '        ' : new Date(at).toLocaleTimeString('en-GB');
}

function download(text: string): void {
  const address = URL.createObjectURL(new Blob([text], { type: 'text/plain' }));
  const link = document.createElement('a');
  link.href = address;
  link.download = 'bake.log';
  link.click();
  URL.revokeObjectURL(address);
}
