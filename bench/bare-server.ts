/** What a change costs with nothing around it: a bare Fastify route that does the same writes in one transaction. */
import { randomUUID } from 'node:crypto';
import fastify from 'fastify';
import pg from 'pg';

const pool = new pg.Pool({ connectionString: process.env['BENCH_DATABASE_URL'], max: 20 });
const app = fastify();
app.patch<{ Params: { tenant_id: string }; Body: { name: string } }>(
  '/tenants/:tenant_id',
  async (request) => {
    const { tenant_id } = request.params;
    const { name } = request.body;
    const client = await pool.connect();
    try {
      const job_id = randomUUID();
      await client.query('begin');
      await client.query(
        'update tenants set name = $2, revision = revision + 1, updated_at = now() where tenant_id = $1',
        [tenant_id, name],
      );
      await client.query(
        `insert into jobs (job_id, kind, title, state, permission, tenant_id, target_type, target_id, principal_id, created_by, request_id, idempotency_key, request_hash, response_status, response_body, started_at, finished_at)
       values ($1, 'tenants.update', $2, 'succeeded', 'tenants.update', $3, 'tenant', $3, 'bench', 'bench', $4, $4, 'hash', 200, $5, now(), now())`,
        [
          job_id,
          `Change tenant ${tenant_id}`,
          tenant_id,
          randomUUID(),
          JSON.stringify({ job_id, tenant: { tenant_id, name } }),
        ],
      );
      await client.query(
        `insert into audit_events (actor_type, actor_id, actor_label, action, outcome, target_type, target_id, tenant_id, changes, ip, user_agent, request_id, job_id)
       values ('user', 'bench', 'bench', 'tenants.update', 'succeeded', 'tenant', $1, $1, $2, '127.0.0.1', 'bench', $3, $4)`,
        [tenant_id, JSON.stringify([{ path: 'name', before: 'x', after: name }]), randomUUID(), job_id],
      );
      await client.query('commit');
      return { job_id };
    } finally {
      client.release();
    }
  },
);
await app.listen({ port: Number(process.env['PORT']), host: '127.0.0.1' });
process.stdout.write(`is ready: ${process.env['PORT']}\n`);
