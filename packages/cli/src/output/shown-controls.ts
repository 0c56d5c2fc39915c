import type { Output } from '../surroundings.js';

/** An output on which text from elsewhere cannot drive the terminal. */
export interface GuardedOutput extends Output {
  /** On a terminal, what would control it is shown instead; elsewhere everything passes as it is. */
  write(chunk: string | Uint8Array): unknown;
  /** As it is, wherever it goes: for this program's own cursor movements and colours, and for what the user wants raw. */
  writeRaw(chunk: string | Uint8Array, taken?: () => void): unknown;
}

/** Guards an output. Bytes are taken for UTF-8, whose characters may lie across chunks. */
export function guardOutput(output: Output): GuardedOutput {
  const decoder = new TextDecoder('utf-8', { ignoreBOM: true });
  const textOf = (chunk: string | Uint8Array) => (typeof chunk === 'string' ? chunk : decoder.decode(chunk, { stream: true }));
  return {
    // A stream learns only later what it is.
    get isTTY() {
      return output.isTTY;
    },
    write: (chunk) => output.write(output.isTTY === true ? showControls(textOf(chunk)) : chunk),
    writeRaw: (chunk, taken) => output.write(chunk, taken),
  };
}

/**
 * Text with its control characters in view: `^[` for escape and its like, `<U+009B>` for those beyond ASCII and for the marks
 * that reorder what is read. Line ends and tabs stay, a carriage return only before a line feed.
 */
export function showControls(text: string): string {
  return text.replaceAll(/(?![\n\t])\p{Cc}|[\u202a-\u202e\u2066-\u2069]/gu, (control, at: number) => {
    const code = control.charCodeAt(0);
    if (control === '\r' && text[at + 1] === '\n') return control;
    return code < 0x80 ? `^${String.fromCharCode(code ^ 0x40)}` : `<U+${code.toString(16).toUpperCase().padStart(4, '0')}>`;
  });
}
