import { type CSSProperties, memo, type ReactNode } from 'react';

import { readStyles, type Style } from './sgr.js';

/** One line of a log: its number, which is a link to it, perhaps its time, and its text in its colours. */
export const LogLine = memo(function LogLine(props: {
  readonly index: number;
  readonly text: string;
  readonly style: Style;
  readonly rest: number;
  readonly time: string | undefined;
  readonly digits: number;
  readonly mark: 'linked' | 'found' | 'current' | undefined;
  readonly search: string;
}): ReactNode {
  const { digits, index, mark, rest, search, style, text, time } = props;
  const { pieces } = readStyles(text, style);
  const tone =
    mark === 'linked' ? 'bg-accent-soft' : mark === 'current' ? 'bg-busy-soft' : mark === 'found' ? 'bg-busy-soft/50' : 'hover:bg-sunken';
  return (
    <div className={`flex h-5 whitespace-pre ${tone}`} style={{ unicodeBidi: 'isolate' }}>
      <a
        href={`#L${index + 1}`}
        tabIndex={-1}
        aria-label={`Link to line ${index + 1}`}
        className="sticky left-0 shrink-0 bg-panel pr-3 pl-4 text-right text-ink-3 select-none hover:text-accent"
        style={{ width: `${digits + 4}ch` }}
      >
        {index + 1}
      </a>
      {time === undefined ? null : <span className="shrink-0 pr-4 text-ink-3 select-none">{time}</span>}
      <span>
        {pieces.map((piece, at) => (
          <span key={at} className={classOf(piece.style)} style={inlineOf(piece.style)}>
            {highlighted(piece.text, search)}
          </span>
        ))}
        {rest === 0 ? null : <span className="text-ink-3"> … {rest.toLocaleString('en')} more characters; the download has them</span>}
      </span>
    </div>
  );
});

/** The text with what was searched for marked. */
function highlighted(text: string, search: string): ReactNode {
  if (search === '') return text;
  const found: ReactNode[] = [];
  const low = text.toLowerCase();
  const wanted = search.toLowerCase();
  let from = 0;
  for (let at = low.indexOf(wanted); at >= 0 && found.length < 200; at = low.indexOf(wanted, from)) {
    found.push(
      text.slice(from, at),
      <mark key={at} className="rounded-xs bg-busy text-canvas">
        {text.slice(at, at + wanted.length)}
      </mark>,
    );
    from = at + wanted.length;
  }
  return [...found, text.slice(from)];
}

function classOf({ bold, faint, ink, italic, paper, strike, underline, inverse }: Style): string {
  const named = (color: string | undefined, kind: string): string =>
    color === undefined || color.startsWith('#') ? '' : `${kind}-${color}`;
  return [
    bold === true ? 'font-bold' : '',
    faint === true ? 'opacity-80' : '',
    italic === true ? 'italic' : '',
    underline === true ? 'underline' : '',
    strike === true ? 'line-through' : '',
    inverse === true ? 'sgr-inverse' : '',
    named(ink, 'sgr-ink'),
    named(paper, 'sgr-paper'),
  ]
    .filter((name) => name !== '')
    .join(' ');
}

/** A colour of the script's own choice is made readable on whatever it stands. */
function inlineOf({ ink, paper }: Style): CSSProperties {
  return {
    ...(ink?.startsWith('#') === true ? { color: `color-mix(in oklab, ${ink} 55%, var(--ink))` } : {}),
    ...(paper?.startsWith('#') === true ? { backgroundColor: `color-mix(in oklab, ${paper} 25%, var(--panel))` } : {}),
  };
}
