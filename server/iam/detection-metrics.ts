/** Figures of detections for Prometheus. */
import { Counter, Gauge, type Registry } from 'prom-client';
import { sql } from 'kysely';
import { DETECTION_KINDS, type DetectionKind } from '#contract/iam/detections.ts';
import type { EventTally } from '#server/audit/event-tally.ts';
import type { Database } from '#server/db/database.ts';

export function registerDetectionMetrics(
  registry: Registry,
  db: Database,
  tally: Pick<EventTally, 'listen' | 'look'>,
  leads: () => boolean,
): void {
  const raised = new Counter({
    name: 'control_detections_total',
    help: 'Detections that were raised at any replica since this one started; counted by the leader',
    labelNames: ['kind'],
    registers: [registry],
    collect: async () => {
      await tally.look().catch(() => undefined);
    },
  });
  for (const kind of DETECTION_KINDS) raised.inc({ kind }, 0);
  tally.listen((counts) => {
    for (const { action, cause, count } of counts)
      if (action === 'iam.detections.raised' && cause !== null) raised.inc({ kind: cause }, count);
  });

  new Gauge({
    name: 'control_detections_open',
    help: 'Detections that nobody has acknowledged or resolved; told by the leader',
    labelNames: ['kind'],
    registers: [registry],
    async collect() {
      this.reset();
      if (!leads()) return;
      const open = await countOpen(db).catch(() => null);
      for (const kind of open === null ? [] : DETECTION_KINDS) this.set({ kind }, open?.get(kind) ?? 0);
    },
  });
}

async function countOpen(db: Database): Promise<Map<DetectionKind, number>> {
  const { rows } = await sql<{
    kind: DetectionKind;
    count: number;
  }>`select kind, count(*) from detections where state = 'open' group by kind`.execute(db);
  return new Map(rows.map(({ kind, count }) => [kind, count]));
}
