const profilePrefix = 'service-profile/';

/** The service profile a subject such as `service-profile/ci` stands for; undefined for a user. */
export function profileOf(subject: string): string | undefined {
  return subject.startsWith(profilePrefix) ? subject.slice(profilePrefix.length) : undefined;
}

/** What the keys of a service profile speak for. */
export function profileSubject(name: string): string {
  return `${profilePrefix}${name}`;
}
