const profilePrefix = 'service-profile/';

/** The service profile a subject such as `service-profile/ci` stands for; undefined for a user. */
export function profileOf(subject: string): string | undefined {
  return subject.startsWith(profilePrefix) ? subject.slice(profilePrefix.length) : undefined;
}
