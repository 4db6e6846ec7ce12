import { describe, expect, it } from 'vitest';

import { SERVICE_KINDS, type NodeKind } from '#contract/placement-record.ts';
import { FaultBoard } from '#fleet/faults.ts';
import { NodeMetrics } from '#fleet/metrics/node-metrics.ts';
import { NodeState } from '#fleet/node-state.ts';
import { PlacementMirror } from '#fleet/placement-mirror.ts';
import { nodeInSlot } from '#fleet/topology.ts';
import { registerApprovalMetrics } from '#server/approvals/approval-metrics.ts';
import { registerAuditMetrics } from '#server/audit/audit-metrics.ts';
import { countEndedJobs, createHttpMetrics, registerDatabaseMetrics } from '#server/http/http-metrics.ts';
import { countAnnotations } from '#server/observability/rollout-annotator.ts';
import { registerDetectionMetrics } from '#server/iam/detection-metrics.ts';
import { registerSignInMetrics } from '#server/iam/sign-in-metrics.ts';
import { registerEnvironmentMetrics } from '#server/scale/environment-metrics.ts';
import { registerScaleMetrics } from '#server/scale/scale-metrics.ts';
import { METRICS, type MetricName } from './catalogue.ts';
import { controlMetrics } from './control-metrics.ts';
import { type Metric, TARGET_LABELS } from './metric.ts';
import { platformMetrics } from './platform-metrics.ts';

interface Exported {
  name: string;
  type: string;
  labelNames: string[];
}

const catalogue = Object.entries(METRICS) as [MetricName, Metric][];
const contract = Object.entries({ ...platformMetrics, ...controlMetrics }) as [MetricName, Metric][];

describe('the metric catalogue', () => {
  it('names metrics and labels as Prometheus does', () => {
    const names = catalogue.filter(([name]) => !/^[a-zA-Z_:][a-zA-Z0-9_:]*$/.test(name));
    const labels = catalogue
      .flatMap(([, metric]) => metric.labels)
      .filter((label) => !/^[a-z_]+$/.test(label));
    expect([...names, ...labels]).toEqual([]);
  });

  it('never puts tenant and route into one metric', () => {
    const routes = ['path', 'route', 'method'];
    const both = contract.filter(
      ([, { labels }]) => labels.includes('tenant_id') && labels.some((label) => routes.includes(label)),
    );
    expect(both).toEqual([]);
  });

  it('gives a tenant-labelled metric one small label more at most, and few buckets', () => {
    const tooMany = contract.filter(
      ([, { labels, buckets = [] }]) =>
        labels.includes('tenant_id') && (labels.length > 2 || buckets.length > 8),
    );
    expect(tooMany).toEqual([]);
  });

  it('states the buckets of every histogram that the contract asks for', () => {
    const unclear = contract.filter(
      ([, { type, buckets }]) => (type === 'histogram') !== (buckets !== undefined),
    );
    expect(unclear).toEqual([]);
  });
});

describe('what is exported', () => {
  const exportedByNodes = new Set<string>();

  it.each(['gateway', 'aggregate', 'projection', 'runner'] as const)(
    'by a simulated %s stands in the catalogue',
    async (kind) => {
      const metrics = new NodeMetrics(nodeOf(kind), () => 0);
      metrics.observeRequest('/health', 'GET', 200, 0.1);
      const { body } = await metrics.text();
      const exported = [...body.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(([, name = '', type = '']) => {
        const series = [...body.matchAll(new RegExp(`^${name}(?:_bucket)?\\{(.*)\\} `, 'gm'))];
        const labelNames = series.flatMap(([, labels = '']) =>
          [...labels.matchAll(/(\w+)="/g)].map(([, label = '']) => label),
        );
        return { name, type, labelNames: [...new Set(labelNames)] };
      });
      expectInCatalogue(exported);
      for (const { name } of exported) exportedByNodes.add(name);
    },
  );

  it('by the simulated nodes together is all that the contract asks of platform services', () => {
    const missing = Object.keys(platformMetrics).filter((name) => !exportedByNodes.has(name));
    expect(missing).toEqual([]);
  });

  it('by the control plane is all that its part of the contract does not call wanted', () => {
    const exported = controlPlaneMetrics();
    // What collectDefaultMetrics brings besides is not ours to promise.
    expectInCatalogue(exported.filter(({ name }) => /^(control|swarm)_/.test(name)));
    const names = exported.map(({ name }) => name);
    for (const [name, { state }] of Object.entries(controlMetrics) as [string, Metric][]) {
      expect(names.includes(name), `${name} is ${state ?? 'exported'}`).toBe(state !== 'wanted');
    }
  });
});

function expectInCatalogue(exported: Exported[]): void {
  for (const { name, type, labelNames } of exported) {
    const metric = METRICS[name as MetricName] as Metric | undefined;
    expect(metric, `${name} is in the catalogue`).toBeDefined();
    expect(metric!.type, `type of ${name}`).toBe(type);
    expect(metric!.state, `${name} is exported`).toBeUndefined();
    const own = labelNames.filter((label) => ![...TARGET_LABELS, 'le'].includes(label));
    const declared = metric!.labels.filter((label) => label !== 'service');
    expect(own.toSorted(), `labels of ${name}`).toEqual(declared.toSorted());
  }
}

/** Declares what the process does, and collects nothing: no figure is read here. */
function controlPlaneMetrics(): Exported[] {
  const { registry } = createHttpMetrics('0000000');
  countEndedJobs(registry);
  registerDatabaseMetrics(registry, {} as never);
  countAnnotations(registry);
  registerScaleMetrics(registry, { db: {} as never, environments: [] }, () => false);
  registerEnvironmentMetrics(registry, {} as never, () => false);
  const tally = { listen: () => undefined, look: async () => undefined };
  registerAuditMetrics(registry, tally);
  registerSignInMetrics(registry, {} as never, tally);
  registerDetectionMetrics(registry, {} as never, tally, () => true);
  registerApprovalMetrics(registry, {} as never);
  return registry.getMetricsAsArray().map((metric) => {
    const { labelNames = [] } = metric as unknown as { labelNames?: string[] };
    return { name: metric.name, type: String(metric.type), labelNames };
  });
}

function nodeOf(kind: NodeKind): NodeState {
  const mirror = new PlacementMirror(1);
  const spec = nodeInSlot('dev', kind, 1, { version: '1.0.0', region: 'eu-1' });
  for (const service of SERVICE_KINDS) {
    mirror.load(service, 'acme', { shard: spec.shards[0] ?? 'agg-1', state: 'active' });
  }
  return new NodeState({ spec, source: { mirror }, faults: new FaultBoard(), clock: () => 0, speed: 1 });
}
