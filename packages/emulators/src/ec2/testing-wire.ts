import type { WireFault } from '@murmur/server/testing-aws';

import { proxyTo, type CloudProxy } from '../wire/testing-proxy.js';

const refusals: Partial<Record<WireFault, { readonly status: number; readonly code: string }>> = {
  'fails once': { status: 500, code: 'InternalError' },
  'busy once': { status: 503, code: 'RequestLimitExceeded' },
  denied: { status: 403, code: 'UnauthorizedOperation' },
};

/** Stands between a client and the emulator of EC2. */
export function proxyCloud(endpoint: string): Promise<CloudProxy> {
  return proxyTo(endpoint, {
    polled: ['DescribeInstances', 'DescribeImages', 'DescribeVolumes', 'DescribeNetworkInterfaces', 'DescribeSnapshots'],
    nameOf: (_asking, body) => new URLSearchParams(body.toString()).get('Action') ?? '',
    refusal(fault) {
      const known = refusals[fault];
      if (known === undefined) return undefined;
      const error = `<Errors><Error><Code>${known.code}</Code><Message>a test says no</Message></Error></Errors>`;
      return { status: known.status, type: 'text/xml', body: `<Response>${error}</Response>` };
    },
  });
}
