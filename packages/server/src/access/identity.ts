/** Somebody who made a key for another. */
export interface Maker {
  readonly subject: string;
  /** Whether they did so with a key that also runs the installation. */
  readonly operator: boolean;
}

/** Who calls: what a valid token says about its holder. */
export interface Identity {
  /** Such as `local/default`. */
  readonly tenant: string;
  /** The user or service profile the token belongs to, written down as the author of what it changes. */
  readonly subject: string;
  /** Of an API key; empty for a token of an issuer. */
  readonly keyId: string;
  /** The URL of the issuer of the token; absent for an API key. */
  readonly issuer?: string;
  /** When the token ends, and how many milliseconds that was away when it was looked at; absent when it does not. */
  readonly end?: { readonly at: Date; readonly lastsMs: number };
  /** Who made its key for it, and whoever made the key that was made with: none of them gives more than they hold. */
  readonly makers?: readonly Maker[];
  /** Whether this caller also runs the installation, and may use what acts on the server itself. */
  readonly operator: boolean;
}
