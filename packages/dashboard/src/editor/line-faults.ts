import type { Fault } from '@murmur/api';
import { isMap, isSeq, LineCounter, type Node, parseDocument } from 'yaml';

/** A fault of a document, at its line. */
export interface LineFault {
  /** Counted from 1. */
  readonly line: number;
  readonly message: string;
}

/** Where the faults that the server found stand in the text: by the line they name, or by the field at fault. */
export function lineFaults(text: string, faults: readonly Fault[]): readonly LineFault[] {
  const lines = new LineCounter();
  const document = parseDocument(text, { lineCounter: lines, logLevel: 'silent' });
  return faults.map(({ hint, message, path }) => {
    const [, named] = /\bline (\d+), column \d+/.exec(message) ?? [];
    const node = path === undefined ? undefined : nodeAt(document.contents, path);
    const line = named === undefined ? lines.linePos(node?.range?.[0] ?? 0).line : Number(named);
    return { line: Math.max(1, line), message: hint === undefined ? message : `${message}\n${hint}` };
  });
}

/** The node of a path such as `secret_allowlist[2]` or `gce.self_link`, or the nearest one that is there. */
function nodeAt(root: Node | null, path: string): Node | undefined {
  let node: Node | undefined = root ?? undefined;
  let nearest: Node | undefined;
  for (const part of path.split(/[.[\]]+/).filter((one) => one !== '')) {
    let next: unknown;
    if (isMap(node)) {
      const pair = node.items.find(({ key }) => String(key) === part || snake(String(key)) === part);
      // The key stands where the fault is seen; its value may begin lines below.
      nearest = (pair?.key as Node | undefined) ?? nearest;
      next = pair?.value;
    } else if (isSeq(node)) {
      next = node.items[Number(part)];
      nearest = (next as Node | undefined) ?? nearest;
    }
    if (next === undefined || next === null) break;
    node = next as Node;
  }
  return nearest;
}

function snake(name: string): string {
  return name.replaceAll(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`);
}
