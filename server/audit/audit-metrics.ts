/** Figures of the audit log for Prometheus. */
import { Counter, type Registry } from 'prom-client';
import type { EventTally } from './event-tally.ts';

const OUTCOMES = ['succeeded', 'failed', 'denied'] as const;

export function registerAuditMetrics(registry: Registry, tally: Pick<EventTally, 'listen' | 'look'>): void {
  const events = new Counter({
    name: 'control_audit_events_total',
    help: 'Audit events written by any replica since this one started; counted by the leader',
    labelNames: ['outcome'],
    registers: [registry],
    async collect() {
      await tally.look().catch(() => undefined);
    },
  });
  for (const outcome of OUTCOMES) events.inc({ outcome }, 0);
  tally.listen((counts) => {
    for (const { outcome, count } of counts) events.inc({ outcome }, count);
  });
}
