/** The address of a database behind the Unix socket in this folder, as `pg` and libpq read it. */
export function postgresUrl(socketDir: string, database: string): string {
  return `postgresql://murmur@localhost/${database}?host=${encodeURIComponent(socketDir).replaceAll('%2F', '/')}&sslmode=disable`;
}
