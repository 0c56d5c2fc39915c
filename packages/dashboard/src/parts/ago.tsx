import type { Timestamp } from '@bufbuild/protobuf/wkt';
import type { ReactNode } from 'react';

import { agoOf, fullTime, millis, spanOf, useNow } from './time.js';

/** How long ago something was; the whole time on hover. */
export function Ago({ time }: { readonly time: Timestamp | undefined }): ReactNode {
  const now = useNow();
  if (time === undefined) return <span className="text-ink-3">never</span>;
  const at = millis(time);
  return (
    <time dateTime={new Date(at).toISOString()} title={fullTime(at)} className="whitespace-nowrap">
      {agoOf(now - at)}
    </time>
  );
}

/** How long something took, or has taken so far. */
export function Span({ from, to }: { readonly from: Timestamp | undefined; readonly to?: Timestamp | undefined }): ReactNode {
  const now = useNow();
  if (from === undefined) return null;
  return (
    <span className="whitespace-nowrap tabular-nums" title={`Since ${fullTime(millis(from))}`}>
      {spanOf((to === undefined ? now : millis(to)) - millis(from))}
    </span>
  );
}
