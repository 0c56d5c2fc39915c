/** The id of an AMI. */
export const amiId = /^ami-[0-9a-f]{8,17}$/;

/** A GCE image or image family, in a project that may belong to a domain. */
export const selfLink = /^projects\/(?:[a-z0-9.-]+:)?[a-z0-9][a-z0-9-]*\/global\/images\/(?:family\/)?[a-z](?:[-a-z0-9]{0,61}[a-z0-9])?$/;

/** The digest of a disk file. */
export const diskDigest = /^sha256:[0-9a-f]{64}$/;
