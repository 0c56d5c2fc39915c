/** Whether a host is this very machine: an address of its loopback, as a socket or a URL has it, or the name `localhost`. */
export function isLoopback(host: string): boolean {
  return host === 'localhost' || /^(?:127(?:\.\d{1,3}){3}|::1|\[::1\])$/.test(host);
}
