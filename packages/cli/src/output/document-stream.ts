import type { Context } from '../context.js';

/** Prints documents one by one, however many there are. */
export interface DocumentPrinter {
  document(document: Record<string, unknown>): void;
  /** Closes what is open; to be called once, after the last document. */
  end(): void;
}

/** YAML documents with `---` between them, or a JSON list. */
export async function documentPrinter(context: Context, format: 'yaml' | 'json'): Promise<DocumentPrinter> {
  const { renderDocument } = await import('./document.js');
  let count = 0;
  const document = (value: Record<string, unknown>) => {
    const text = renderDocument(format, value);
    const before = format === 'yaml' ? '---\n' : ',\n';
    context.stdout.write(`${count === 0 ? (format === 'json' ? '[\n' : '') : before}${format === 'json' ? indented(text) : text}`);
    count += 1;
  };
  return {
    document,
    end: () => {
      if (format === 'json') context.stdout.write(count === 0 ? '[]\n' : '\n]\n');
    },
  };
}

function indented(json: string): string {
  return json.trimEnd().replaceAll(/^/gm, '  ');
}
