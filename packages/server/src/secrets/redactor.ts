import { formsOf } from './redaction/forms.js';
import { Scanner } from './redaction/scanner.js';
import { toText, unfinishedLength } from './redaction/text.js';

/** What may be stored and shown. */
export interface Redacted {
  /** Whole characters, without secrets and without NUL. */
  readonly text: string;
  /**
   * The bytes of the input that everything returned so far stands for. A new redactor fed from there returns what this one
   * would have: no secret lies across that border. Only of an ordinary word it cannot tell whether it begins there or ends another.
   */
  readonly consumed: number;
}

/** Takes secrets out of a stream. */
export interface Redactor {
  /** Takes the next piece, and returns what is certain by now. What may be the beginning of a secret waits. */
  push(chunk: Buffer): Redacted;
  /** Returns the rest. Nothing may be pushed afterwards. */
  end(): Redacted;
}

const replacement = '[redacted]';

/**
 * A redactor for these secrets. Each value of at least 4 bytes, and each line of at least 8 bytes of those with several
 * lines, becomes `[redacted]`: as it stands, also with a terminal's control sequences between its characters, URL-encoded, JSON-escaped, quoted for a shell, in hex, and in base64 of either
 * alphabet wherever it lies in the encoded data, the last two also when wrapped over several lines. An ordinary short word becomes it only
 * where it stands alone, so that `production` leaves `production.example.com` as it is. Everything else stays as it is, except that bytes which are not UTF-8, and NUL, become U+FFFD.
 *
 * ```ts
 * const redactor = createRedactor(['hunter2']);
 * const { text } = redactor.push(Buffer.from('password: hunter2\n'));
 * // text === 'password: [redacted]\n'
 * ```
 */
export function createRedactor(values: readonly string[]): Redactor {
  const scanner = new Scanner(formsOf(values));
  let held: Buffer = Buffer.alloc(0);
  let consumed = 0;

  /** Returns the held bytes up to a position of the stream; `keep` those at its end that are not yet a whole character. */
  const release = (end: number, rest: 'keep' | 'flush'): Redacted => {
    const pieces: string[] = [];
    let from = 0;
    for (const span of scanner.takeUntil(end)) {
      pieces.push(toText(held.subarray(from, span.start - consumed)), replacement);
      from = span.end - consumed;
    }
    const last = held.subarray(from, end - consumed);
    const whole = rest === 'keep' ? last.length - unfinishedLength(last) : last.length;
    pieces.push(toText(last.subarray(0, whole)));
    // A copy: the caller may use its chunk again, and a few bytes must not keep a large one alive.
    held = Buffer.from(held.subarray(from + whole));
    consumed += from + whole;
    return { text: pieces.join(''), consumed };
  };

  return {
    push: (chunk) => {
      held = held.length === 0 ? chunk : Buffer.concat([held, chunk]);
      scanner.scan(chunk);
      return release(scanner.safeEnd(), 'keep');
    },
    end: () => {
      scanner.finish();
      return release(consumed + held.length, 'flush');
    },
  };
}
