/** The longest script, in KiB of UTF-8. */
export const maxScriptKib = 256;

/** The longest a script may run, as a Go duration. */
export const maxTimeout = '1h';
