/** Who calls: what a valid token says about its holder. */
export interface Identity {
  /** Such as `local/default`. */
  readonly tenant: string;
  /** The user or service profile the key belongs to, written down as the author of what it changes. */
  readonly subject: string;
  readonly keyId: string;
  /** Whether this caller also runs the installation, and may use what acts on the server itself. */
  readonly operator: boolean;
}
