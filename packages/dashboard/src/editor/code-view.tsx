import { StreamLanguage } from '@codemirror/language';
import { shell } from '@codemirror/legacy-modes/mode/shell';
import { yaml } from '@codemirror/lang-yaml';
import { EditorState, type Extension } from '@codemirror/state';
import { EditorView, highlightSpecialChars, lineNumbers } from '@codemirror/view';
import { type ReactNode, useEffect, useRef } from 'react';

import { shadowOf } from './shadow.js';
import { editorTheme } from './theme.js';

/** What a text is written in. */
export type Language = 'yaml' | 'shell';

/** The extensions for a language. */
export function languageOf(language: Language): Extension {
  return language === 'yaml' ? yaml() : StreamLanguage.define(shell);
}

/** A text to read, highlighted. */
export function CodeView({
  text,
  language,
  label,
}: {
  readonly text: string;
  readonly language: Language;
  readonly label: string;
}): ReactNode {
  const host = useRef<HTMLDivElement>(null);
  useEffect(() => {
    if (host.current === null) return undefined;
    const root = shadowOf(host.current);
    const extensions = [
      lineNumbers(),
      highlightSpecialChars(),
      languageOf(language),
      editorTheme,
      EditorState.readOnly.of(true),
      EditorView.contentAttributes.of({ 'aria-label': label, 'aria-readonly': 'true', tabindex: '0' }),
    ];
    const view = new EditorView({ doc: text, extensions, root, parent: root });
    return () => view.destroy();
  }, [text, language, label]);
  return <div ref={host} className="max-h-[32rem] overflow-auto" />;
}
