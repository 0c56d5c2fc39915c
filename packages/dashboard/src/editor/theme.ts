import { HighlightStyle, syntaxHighlighting } from '@codemirror/language';
import type { Extension } from '@codemirror/state';
import { EditorView } from '@codemirror/view';
import { tags } from '@lezer/highlight';

/** The editor in the colours of the pages, whose variables reach into its shadow. */
export const editorTheme: Extension = [
  EditorView.theme({
    '&': { color: 'var(--ink)', backgroundColor: 'var(--panel)', fontSize: '12px', height: '100%' },
    '&.cm-focused': { outline: '2px solid var(--accent)', outlineOffset: '-2px' },
    '.cm-scroller': {
      fontFamily: "'JetBrains Mono Variable', ui-monospace, Menlo, monospace",
      lineHeight: '20px',
      fontVariantLigatures: 'none',
    },
    '.cm-content': { caretColor: 'var(--ink)', padding: '8px 0' },
    '.cm-cursor': { borderLeftColor: 'var(--ink)' },
    '.cm-gutters': { backgroundColor: 'var(--panel)', color: 'var(--ink-3)', border: 'none' },
    '.cm-activeLine, .cm-activeLineGutter': { backgroundColor: 'var(--sunken)' },
    '&.cm-focused > .cm-scroller > .cm-selectionLayer .cm-selectionBackground, .cm-selectionBackground, .cm-content ::selection': {
      backgroundColor: 'color-mix(in oklab, var(--accent) 25%, transparent)',
    },
    '.cm-tooltip, .cm-panels': {
      backgroundColor: 'var(--panel)',
      color: 'var(--ink)',
      border: '1px solid var(--line-strong)',
      borderRadius: '6px',
    },
    '.cm-tooltip-autocomplete > ul > li[aria-selected]': { backgroundColor: 'var(--accent-soft)', color: 'var(--ink)' },
    '.cm-completionDetail': { color: 'var(--ink-3)', fontStyle: 'normal' },
    '.cm-diagnostic-error': { borderLeftColor: 'var(--bad)' },
    '.cm-lintRange-error': { backgroundImage: 'none', textDecoration: 'underline wavy var(--bad)' },
    '.cm-changedLine': { backgroundColor: 'var(--busy-soft)' },
    '&.cm-merge-a .cm-changedLine, .cm-deletedChunk': { backgroundColor: 'var(--bad-soft)' },
    '&.cm-merge-b .cm-changedLine': { backgroundColor: 'var(--good-soft)' },
    // A background behind coloured text would make it hard to read.
    '&.cm-merge-a .cm-changedText': { background: 'none', borderBottom: '2px solid var(--bad)' },
    '&.cm-merge-b .cm-changedText': { background: 'none', borderBottom: '2px solid var(--good)' },
    '.cm-collapsedLines': { color: 'var(--ink-2)', background: 'var(--sunken)' },
  }),
  syntaxHighlighting(
    HighlightStyle.define([
      { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: 'var(--accent)' },
      { tag: [tags.comment, tags.lineComment, tags.meta], color: 'var(--ink-3)' },
      { tag: [tags.string, tags.special(tags.string)], color: 'var(--good)' },
      { tag: [tags.number, tags.bool, tags.null, tags.atom], color: 'var(--busy)' },
      { tag: [tags.keyword, tags.controlKeyword, tags.definitionKeyword], color: 'var(--bad)' },
      { tag: [tags.variableName, tags.standard(tags.variableName)], color: 'var(--ink)' },
    ]),
  ),
];
