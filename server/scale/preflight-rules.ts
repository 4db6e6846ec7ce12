/** Pure: the checks before a tenant is drained or moved. Each names what it is about, its figure and its limit. */
import type { NodeStatus, NodeTenant } from '#contract/node.ts';
import type { Check } from '#contract/jobs.ts';
import type { NodeKind, PlacementRecord } from '#contract/placement-record.ts';
import type { Node } from '#contract/scale.ts';
import { TENANT_ACTIONS, type TenantAction, type TenantStatus } from '#contract/tenants.ts';
import type { ScaleThresholds } from './scale-settings.ts';

/** A node as it answered just now. */
export interface NodeFacts {
  node_id: string;
  kind: NodeKind;
  state: Node['state'];
  problem: string | null;
  /** As it says, or as it was last seen with when it does not answer. */
  shards: readonly string[];
  status: NodeStatus | null;
  checks: Node['checks'];
  tenant: NodeTenant | null;
}

type Level = Check['level'];
/** A check, with its figure and limit where there is one. */
export const check = (
  code: string,
  level: Level,
  subject: Check['subject'],
  message: string,
  measure: { figure: number; threshold: number; unit: string } | null = null,
): Check => ({
  code,
  level,
  message,
  subject,
  figure: measure?.figure ?? null,
  threshold: measure?.threshold ?? null,
  unit: measure?.unit ?? null,
});

const node = (id: string): Check['subject'] => ({ type: 'node', id });
const number = (value: number): string => value.toLocaleString('en-US');

/** Whether the tenant's status allows the action, and whether another job holds it. */
export function checkTenant(
  tenant: { tenant_id: string; status: TenantStatus },
  action: Exclude<TenantAction, 'update'>,
  liveJobs: readonly { job_id: string; title: string }[],
): Check[] {
  const subject = { type: 'tenant', id: tenant.tenant_id } as const;
  const allowed: readonly TenantStatus[] = TENANT_ACTIONS[action].from;
  const status = allowed.includes(tenant.status)
    ? check('tenant_status', 'ok', subject, `${tenant.tenant_id} is ${tenant.status}`)
    : check(
        'tenant_status',
        'blocker',
        subject,
        `${tenant.tenant_id} is ${tenant.status}; to ${action} it, it has to be ${allowed.join(' or ')}.`,
      );
  const jobs =
    liveJobs.length === 0
      ? [check('job_running', 'ok', subject, `no other job on ${tenant.tenant_id}`)]
      : liveJobs.map((job) =>
          check(
            'job_running',
            'blocker',
            { type: 'job', id: job.job_id },
            `Another job holds ${tenant.tenant_id}: ${job.title}.`,
          ),
        );
  return [status, ...jobs];
}

/** Whether the placement stands still. */
export function checkPlacement(record: PlacementRecord, environment: string): Check {
  const subject = { type: 'tenant', id: record.tenant_id } as const;
  const where = `${record.service} placement in ${environment}`;
  if (record.state === 'active' && record.job_id === null) {
    return check('placement_not_active', 'ok', subject, `${where} is active`);
  }
  const holder = record.job_id === null ? '' : `, held by job ${record.job_id}`;
  return check(
    'placement_not_active',
    'blocker',
    subject,
    `The ${where} of ${record.tenant_id} is ${record.state} on ${record.shard}${holder}.`,
  );
}

const NODE_CODES = {
  not_ready: 'node_not_ready',
  draining: 'node_draining',
  unreachable: 'node_unreachable',
  lying: 'node_lying',
  unknown: 'node_unreachable',
} as const;

/**
 * Whether every node that has to acknowledge can: it answers, it is ready, and it has applied the placement as it stands. A node that
 * drains still applies placements, so that is a warning, except where the tenant is to go.
 */
export function checkAcknowledgers(
  nodes: readonly NodeFacts[],
  receiving: (node: NodeFacts) => boolean,
  revision: number,
): Check[] {
  const findings = nodes.flatMap((each): Check[] => {
    if (each.state !== 'ready') {
      const level = each.state === 'draining' && !receiving(each) ? 'warning' : 'blocker';
      return [
        check(
          NODE_CODES[each.state],
          level,
          node(each.node_id),
          each.problem ?? `${each.node_id} is ${each.state}.`,
        ),
      ];
    }
    const applied = each.status?.placement_revision ?? 0;
    if (applied >= revision) return [];
    const message = `${each.node_id} has applied placement revision ${number(applied)}, the placement is at ${number(revision)}.`;
    return [
      check('node_behind', 'blocker', node(each.node_id), message, {
        figure: applied,
        threshold: revision,
        unit: 'revision',
      }),
    ];
  });
  const able =
    nodes.length -
    new Set(findings.filter(({ level }) => level === 'blocker').map(({ subject }) => subject.id)).size;
  if (able < nodes.length) return findings;
  const measure = { figure: able, threshold: nodes.length, unit: 'nodes' };
  return [
    check(
      'nodes_acknowledge',
      'ok',
      { type: 'service', id: nodes[0]?.kind ?? '' },
      `${able} of ${nodes.length} nodes can acknowledge`,
      measure,
    ),
    ...findings,
  ];
}

/** Whether a node that serves the tenant can be drained of it in time. */
export function checkSource(source: NodeFacts, tenant_id: string, thresholds: ScaleThresholds): Check[] {
  const { node_id, tenant, status } = source;
  const checks: Check[] = [];
  if (status && !status.storage.ok) {
    checks.push(
      check('storage_unhealthy', 'blocker', node(node_id), `The storage of ${node_id} reports errors.`),
    );
  }
  if (!tenant) {
    if (source.state !== 'ready' && source.state !== 'draining') return checks;
    return [
      ...checks,
      check('tenant_unknown', 'blocker', node(node_id), `${node_id} does not say how ${tenant_id} is.`),
    ];
  }
  if (tenant.state === 'absent' || (tenant.state !== 'active' && source.state !== 'draining')) {
    const message = `${node_id} says that ${tenant_id} is ${tenant.state}, although it is placed there.`;
    return [...checks, check('tenant_not_served', 'blocker', node(node_id), message)];
  }
  checks.push(
    ...tenant.blockers
      .filter(({ code }) => code !== 'storage_unhealthy')
      .map(({ code, detail }) =>
        check(code, 'blocker', node(node_id), `${node_id}, ${tenant_id}: ${detail}.`),
      ),
    limit(
      { code: 'inflight_too_high', node_id, unit: 'in flight' },
      tenant.inflight,
      thresholds.max_inflight,
      `${node_id} has ${number(tenant.inflight)} units of ${tenant_id} in flight`,
    ),
    limit(
      { code: 'consumer_lag_too_high', node_id, unit: 'events' },
      tenant.consumer_lag,
      thresholds.max_consumer_lag,
      `${node_id} lags ${number(tenant.consumer_lag)} events`,
    ),
  );
  return checks;
}

/** Whether a node that is to receive the tenant has room for it and does not have it already. */
export function checkTarget(target: NodeFacts, tenant_id: string, thresholds: ScaleThresholds): Check[] {
  const { node_id, status, tenant } = target;
  const checks: Check[] = [];
  if (tenant && tenant.state !== 'absent') {
    const message = `${node_id} says that ${tenant_id} is ${tenant.state} there already.`;
    checks.push(check('tenant_on_target', 'blocker', node(node_id), message));
  }
  if (!status) return checks;
  if (!status.storage.ok) {
    checks.push(
      check('storage_unhealthy', 'blocker', node(node_id), `The storage of ${node_id} reports errors.`),
    );
  }
  const { used_bytes, capacity_bytes } = status.storage;
  const used = capacity_bytes > 0 ? Math.round((100 * used_bytes) / capacity_bytes) : 100;
  const allowed = Math.round(100 * thresholds.max_storage_used_ratio);
  checks.push(
    limit(
      { code: 'target_storage_full', node_id, unit: '%' },
      used,
      allowed,
      `The storage of ${node_id} is ${used} % full`,
    ),
  );
  return checks;
}

/** Whether the shard may take one more tenant. */
export function checkShardCount(shard: string, count: number, thresholds: ScaleThresholds): Check {
  const max = thresholds.max_tenants_per_shard;
  const measure = { figure: count, threshold: max, unit: 'tenants' };
  const subject = { type: 'shard', id: shard } as const;
  return count < max
    ? check('target_full', 'ok', subject, `${shard} has ${number(count)} of ${number(max)} tenants`, measure)
    : check(
        'target_full',
        'blocker',
        subject,
        `${shard} has ${number(count)} tenants, as many as the ${number(max)} that are allowed.`,
        measure,
      );
}

function limit(
  about: { code: string; node_id: string; unit: string },
  figure: number,
  threshold: number,
  sentence: string,
): Check {
  const measure = { figure, threshold, unit: about.unit };
  const limitInWords = `${number(threshold)}${about.unit === '%' ? ' %' : ''}`;
  return figure <= threshold
    ? check(about.code, 'ok', node(about.node_id), `${sentence}, at most ${limitInWords} allowed`, measure)
    : check(
        about.code,
        'blocker',
        node(about.node_id),
        `${sentence}, more than ${limitInWords} allowed.`,
        measure,
      );
}
