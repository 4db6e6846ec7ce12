/** Figures of approvals for Prometheus. */
import { Gauge, type Registry } from 'prom-client';
import { sql } from 'kysely';
import type { Database } from '#server/db/database.ts';

export function registerApprovalMetrics(registry: Registry, db: Database): void {
  new Gauge({
    name: 'control_approvals_waiting',
    help: 'Requests that wait for an approval',
    registers: [registry],
    async collect() {
      const { rows } = await sql<{
        count: number;
      }>`select count(*) as count from approval_requests where state = 'waiting' and expires_at > now()`.execute(
        db,
      );
      this.set(rows[0]?.count ?? 0);
    },
  });
}
