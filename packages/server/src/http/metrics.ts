import type { Logger } from 'pino';
import { Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

import type { Database } from '../database/tables.js';

/** What `/metrics` shows, in Prometheus' text format. */
export interface Metrics {
  readonly registry: Registry;
  readonly calls: Histogram<'method' | 'code'>;
}

/** The server's measurements. Labels never name a tenant or a resource: anyone who reaches the port can read them. */
export function createMetrics({ database, log }: { database: Database; log: Logger }): Metrics {
  const registry = new Registry();
  collectDefaultMetrics({ register: registry });
  const calls = new Histogram({
    name: 'murmur_call_seconds',
    help: 'Duration of API calls in seconds.',
    labelNames: ['method', 'code'] as const,
    buckets: [0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1, 5, 30, 300],
    registers: [registry],
  });
  registry.registerMetric(
    new Gauge({
      name: 'murmur_live_bakes',
      help: 'Bakes that have not ended, by phase.',
      labelNames: ['phase'] as const,
      registers: [],
      async collect() {
        this.reset();
        try {
          for (const { phase, count } of await liveBakes(database)) this.set({ phase }, count);
        } catch (cause) {
          // What the process measures by itself is wanted most when the database is away.
          log.warn({ err: cause }, 'the live bakes could not be counted');
        }
      },
    }),
  );
  registry.registerMetric(
    new Gauge({
      name: 'murmur_sites_not_cleared',
      help: 'Sites where the last visit could not see or remove everything that bakes left, by substrate.',
      labelNames: ['substrate'] as const,
      registers: [],
      async collect() {
        this.reset();
        try {
          for (const { count, substrate } of await siteFaults(database)) this.set({ substrate }, count);
        } catch (cause) {
          log.warn({ err: cause }, 'the sites could not be counted');
        }
      },
    }),
  );
  return { registry, calls };
}

async function siteFaults(database: Database): Promise<{ substrate: string; count: number }[]> {
  return database
    .selectFrom('sites')
    .select(['substrate', (select) => select.fn.count<number>('fault').as('count')])
    .groupBy('substrate')
    .execute();
}

async function liveBakes(database: Database): Promise<{ phase: string; count: number }[]> {
  return database
    .selectFrom('runs')
    .select(['phase', (select) => select.fn.countAll<number>().as('count')])
    .where('ended_at', 'is', null)
    .groupBy('phase')
    .execute();
}
