import { autocompletion, closeBrackets, closeBracketsKeymap, completionKeymap } from '@codemirror/autocomplete';
import { defaultKeymap, history, historyKeymap, indentWithTab } from '@codemirror/commands';
import { bracketMatching, indentOnInput } from '@codemirror/language';
import { linter, lintGutter, lintKeymap } from '@codemirror/lint';
import { Compartment } from '@codemirror/state';
import { EditorView, highlightActiveLine, highlightActiveLineGutter, highlightSpecialChars, keymap, lineNumbers } from '@codemirror/view';
import type { FieldDescription } from '@murmur/api';
import { type ReactNode, useEffect, useEffectEvent, useRef, useState } from 'react';

import { languageOf } from './code-view.js';
import { completeFields } from './complete-fields.js';
import type { LineFault } from './line-faults.js';
import { shadowOf } from './shadow.js';
import { editorTheme } from './theme.js';

/** How long the keyboard rests before the server is asked, in milliseconds. */
const restMs = 400;

/** A YAML document to write: fields are completed from the kind's description, faults are marked where the server finds them. */
export function YamlEditor(props: {
  readonly initial: string;
  /** Put in place of all there is, whenever it changes. */
  readonly label: string;
  readonly fields: readonly FieldDescription[];
  readonly check: (text: string) => Promise<readonly LineFault[]>;
  readonly onChange: (text: string) => void;
  readonly onSave: () => void;
}): ReactNode {
  const { check, fields, initial, label, onChange, onSave } = props;
  const host = useRef<HTMLDivElement>(null);
  const [view, setView] = useState<EditorView>();
  const [completion] = useState(() => new Compartment());
  const ask = useEffectEvent(check);
  const changed = useEffectEvent(onChange);
  const save = useEffectEvent(onSave);

  useEffect(() => {
    if (host.current === null) return undefined;
    const root = shadowOf(host.current);
    const faults = linter(
      async ({ state }) => {
        const found = await ask(state.doc.toString());
        return found.map(({ line, message }) => {
          const { from, to } = state.doc.line(Math.min(Math.max(1, line), state.doc.lines));
          return { from, to, severity: 'error' as const, message };
        });
      },
      { delay: restMs },
    );
    const extensions = [
      lineNumbers(),
      lintGutter(),
      faults,
      history(),
      highlightSpecialChars(),
      highlightActiveLine(),
      highlightActiveLineGutter(),
      indentOnInput(),
      bracketMatching(),
      closeBrackets(),
      languageOf('yaml'),
      completion.of([]),
      editorTheme,
      keymap.of([
        {
          key: 'Mod-s',
          run() {
            save();
            return true;
          },
        },
        ...closeBracketsKeymap,
        ...completionKeymap,
        ...historyKeymap,
        ...lintKeymap,
        indentWithTab,
        ...defaultKeymap,
      ]),
      EditorView.contentAttributes.of({ 'aria-label': label }),
      EditorView.updateListener.of((update) => {
        if (update.docChanged) changed(update.state.doc.toString());
      }),
    ];
    const made = new EditorView({ doc: initial, extensions, root, parent: root });
    setView(made);
    return () => made.destroy();
  }, [initial, label, completion]);
  useEffect(() => {
    view?.dispatch({ effects: completion.reconfigure(autocompletion({ override: [completeFields(fields)] })) });
  }, [view, fields, completion]);

  return (
    <>
      <div ref={host} className="h-[60dvh] min-h-72 overflow-auto" />
      <p className="border-t border-line px-4 py-1.5 text-xs text-ink-3">
        Ctrl-Space completes, Ctrl-S saves. Tab indents; press Escape and then Tab to leave the editor.
      </p>
    </>
  );
}
