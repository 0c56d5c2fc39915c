import { createServer } from 'node:net';

/** The loopback addresses that machines have, each with its own port 22. */
export interface Addresses {
  /** An address whose port 22 nobody has, kept until it is given back. */
  take(): Promise<string>;
  giveBack(address: string): void;
}

/** Loopback addresses, none of them given out twice. */
export function createAddresses(): Addresses {
  const taken = new Set<string>();
  return {
    async take() {
      for (;;) {
        const part = () => 1 + Math.floor(Math.random() * 254);
        const address = `127.${part()}.${part()}.${part()}`;
        if (taken.has(address) || !(await canListen(address))) continue;
        // Two that look at once may have found the same one.
        if (taken.has(address)) continue;
        taken.add(address);
        return address;
      }
    },
    giveBack: (address) => void taken.delete(address),
  };
}

function canListen(address: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', (error: NodeJS.ErrnoException) => (error.code === 'EADDRINUSE' ? resolve(false) : reject(error)));
    server.listen(22, address, () => server.close(() => resolve(true)));
  });
}
