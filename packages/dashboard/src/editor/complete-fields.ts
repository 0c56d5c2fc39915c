import type { CompletionContext, CompletionResult, CompletionSource } from '@codemirror/autocomplete';
import type { FieldDescription } from '@murmur/api';

/** Completes the names of fields where one can begin, by how far the line is indented below which other. */
export function completeFields(fields: readonly FieldDescription[]): CompletionSource {
  return (context: CompletionContext): CompletionResult | null => {
    const line = context.state.doc.lineAt(context.pos);
    const before = line.text.slice(0, context.pos - line.from);
    const match = /^( *(?:- )?)([a-z_]*)$/.exec(before);
    if (match === null || (match[2] === '' && !context.explicit)) return null;
    const [, indent = '', typed = ''] = match;
    const parent = parentOf(context, line.number, indent.length);
    const options = fields
      .map(({ description, path, required, type }) => ({ parts: path.replaceAll('[]', '').split('.'), description, required, type }))
      .filter(({ parts }) => parts.slice(0, -1).join('.') === parent)
      .map(({ description, parts, required, type }) => ({
        label: parts.at(-1) ?? '',
        apply: `${parts.at(-1) ?? ''}: `,
        detail: required === 'yes' ? `${type}, required` : type,
        info: description,
        type: 'property',
        boost: required === 'yes' ? 1 : 0,
      }));
    return options.length === 0 ? null : { from: context.pos - typed.length, options };
  };
}

/** The path of the field that a line of this indentation stands below. */
function parentOf({ state }: CompletionContext, lineNumber: number, indent: number): string {
  const path: string[] = [];
  let depth = indent;
  for (let at = lineNumber - 1; at > 0 && depth > 0; at -= 1) {
    const [, spaces = '', key] = /^( *)(?:- )?([A-Za-z_]+):/.exec(state.doc.line(at).text) ?? [];
    if (key === undefined || spaces.length >= depth) continue;
    path.unshift(key);
    depth = spaces.length;
  }
  return path.join('.');
}
