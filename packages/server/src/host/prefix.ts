import { isIP } from 'node:net';

/** Whether this text is an address or a prefix of addresses, such as `10.1.0.0/16`. */
export function isPrefix(text: string): boolean {
  const [, address = '', length] = /^([0-9a-f.:]+)(?:\/(\d{1,3}))?$/i.exec(text) ?? [];
  const family = isIP(address);
  return family !== 0 && (length === undefined || Number(length) <= (family === 4 ? 32 : 128));
}
