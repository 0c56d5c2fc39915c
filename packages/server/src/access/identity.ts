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
  /** When the token ends; absent when it does not. */
  readonly expiresAt?: Date;
  /** Whether this caller also runs the installation, and may use what acts on the server itself. */
  readonly operator: boolean;
}
