/**
 * What machines on this host may connect to. `any`: whatever the host reaches, its own services too. Otherwise what is listed:
 * prefixes, and `internet` for everything but loopback, link-local and private addresses and those of the host itself.
 */
export type GuestReach = 'any' | readonly string[];

/** What holds where the operator has said nothing. */
export const defaultReach: GuestReach = ['internet'];
