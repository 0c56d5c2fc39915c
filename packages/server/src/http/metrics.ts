import { Gauge, Histogram, Registry, collectDefaultMetrics } from 'prom-client';

import type { Database } from '../database/tables.js';

/** What `/metrics` shows, in Prometheus' text format. */
export interface Metrics {
  readonly registry: Registry;
  readonly calls: Histogram<'method' | 'code'>;
}

/** The server's measurements. Labels never name a tenant or a resource: anyone who reaches the port can read them. */
export function createMetrics(database: Database): Metrics {
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
        const rows = await database
          .selectFrom('runs')
          .select(['phase', (select) => select.fn.countAll<number>().as('count')])
          .where('ended_at', 'is', null)
          .groupBy('phase')
          .execute();
        this.reset();
        for (const row of rows) this.set({ phase: row.phase }, Number(row.count));
      },
    }),
  );
  return { registry, calls };
}
