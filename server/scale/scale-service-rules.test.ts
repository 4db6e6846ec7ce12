import { describe, expect, it } from 'vitest';
import type { NodeKind } from '#contract/placement-record.ts';
import type { RunningTask, ServiceFacts } from './fleet-facts.ts';
import type { OrchestratorService } from './orchestrator.ts';
import { checkEmpty, planScaleServiceDraft } from './scale-service-rules.ts';

const taskOf = (kind: NodeKind | null, slot: number, node_id: string | null, tenants = 0): RunningTask => ({
  task_id: `task-${slot}`,
  service_id: 'service-1',
  service_name: 'prod-service',
  kind,
  slot,
  host_id: 'host-1',
  state: 'running',
  node_id,
  shards: tenants === 0 ? [] : [{ shard: `shard-${slot}`, tenant_count: tenants }],
});

const factsOf = (
  kind: NodeKind | null,
  tasks: RunningTask[],
  { ends_highest_slot = false } = {},
): ServiceFacts => ({
  environment: 'prod',
  orchestrator: 'Docker Swarm',
  tasks,
  hosts: [],
  live_jobs: [],
  placements_problem: null,
  tenants: [],
  service: {
    service_id: 'service-1',
    name: 'prod-service',
    replicas_desired: tasks.length,
    version: 7,
    update: { state: 'completed', message: null },
    update_policy: { monitor_s: 5 },
  } as unknown as OrchestratorService,
  kind,
  ends_highest_slot,
});

const blockersOf = (facts: ServiceFacts, replicas: number) =>
  checkEmpty(facts, replicas).flatMap(({ level, code, subject }) =>
    level === 'blocker' ? [`${code} ${subject.id}`] : [],
  );

describe('scaling a service down', () => {
  it('is stopped by a node that holds tenants and may be the one to end', () => {
    const tasks = [taskOf('aggregate', 1, 'agg-1', 12), taskOf('aggregate', 2, 'agg-2')];
    expect(blockersOf(factsOf('aggregate', tasks), 1)).toEqual(['node_holds_tenants agg-1']);
    expect(blockersOf(factsOf('aggregate', tasks, { ends_highest_slot: true }), 1)).toEqual([]);
  });

  it('is stopped by a task that may hold tenants and has not said which node it is', () => {
    const tasks = [taskOf('aggregate', 1, 'agg-1'), taskOf('aggregate', 2, null)];
    expect(blockersOf(factsOf('aggregate', tasks), 1)).toEqual(['node_unknown prod-service.2']);
  });

  it.each(['gateway', null] as const)(
    'of kind %s is not stopped by an unknown task: it holds no tenants',
    (kind) => {
      const tasks = [taskOf(kind, 1, null), taskOf(kind, 2, null)];
      expect(blockersOf(factsOf(kind, tasks), 1)).toEqual([]);
    },
  );
});

describe('the plan of a scaling', () => {
  it.each([1, 3])('names its service among what it touches, to %i replicas', (replicas) => {
    const tasks = [taskOf('aggregate', 1, 'agg-1'), taskOf('aggregate', 2, 'agg-2')];
    const { blast_radius } = planScaleServiceDraft(factsOf('aggregate', tasks), replicas, 60);
    expect(blast_radius.services).toEqual(['prod-service']);
  });
});
