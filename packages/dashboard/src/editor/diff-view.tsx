import { MergeView } from '@codemirror/merge';
import { EditorState } from '@codemirror/state';
import { EditorView, highlightSpecialChars, lineNumbers } from '@codemirror/view';
import { type ReactNode, useEffect, useRef } from 'react';

import { type Language, languageOf } from './code-view.js';
import { shadowOf } from './shadow.js';
import { editorTheme } from './theme.js';

/** Two texts beside each other, with what differs marked and what does not folded away. */
export function DiffView(props: {
  readonly before: string;
  readonly after: string;
  readonly language: Language;
  readonly labels: readonly [string, string];
}): ReactNode {
  const { after, before, labels, language } = props;
  const host = useRef<HTMLDivElement>(null);
  const [old, current] = labels;
  useEffect(() => {
    if (host.current === null) return undefined;
    const root = shadowOf(host.current);
    const extensions = (label: string) => [
      lineNumbers(),
      highlightSpecialChars(),
      languageOf(language),
      editorTheme,
      EditorState.readOnly.of(true),
      EditorView.lineWrapping,
      EditorView.contentAttributes.of({ 'aria-label': label, 'aria-readonly': 'true', tabindex: '0' }),
    ];
    const view = new MergeView({
      a: { doc: before, extensions: extensions(old) },
      b: { doc: after, extensions: extensions(current) },
      collapseUnchanged: { margin: 3, minSize: 6 },
      root,
      parent: root,
    });
    return () => view.destroy();
  }, [before, after, language, old, current]);
  return (
    <>
      <div className="grid grid-cols-2 border-b border-line bg-sunken text-xs font-medium text-ink-2">
        <span className="px-4 py-1.5">{old}</span>
        <span className="px-4 py-1.5">{current}</span>
      </div>
      <div ref={host} className="max-h-[70dvh] overflow-auto" />
    </>
  );
}
