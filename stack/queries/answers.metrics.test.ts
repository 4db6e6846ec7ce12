/**
 * Every PromQL that the stack holds is run on a real VictoriaMetrics, which vmagent feeds from the simulated platform and a control plane
 * at work. What nothing here exports is imported as recorded from its exporter.
 */
import { spawnSync } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { connect, type NatsConnection } from '@nats-io/transport-node';
import { jetstream, jetstreamManager } from '@nats-io/jetstream';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import type { Plan } from '#contract/jobs.ts';
import {
  type EmbeddedMetrics,
  findMetricsPrograms,
  startEmbeddedMetrics,
} from '#server/adapters/embedded-metrics/embedded-metrics.ts';
import { freePort, signIn, type Caller, type ControlProcess } from '../../e2e/control-process.ts';
import {
  createTenant,
  startLastingPlatform,
  startMove,
  waitForJob,
  type LastingPlatform,
} from '../../e2e/lasting-platform.ts';
import { natsExposition } from '#tools/nats-exposition.ts';
import { root } from '#tools/setup.mjs';
import { dashboardQueries, namedQueries, ruleQueries, type StackQuery } from '#tools/stack-queries.ts';
import { whyNoMetricServers } from '#tools/test-metric-servers.ts';
import { ask, importExposition, importRecorded, pathWithMetrics } from '#tools/test-metrics.ts';
import { natsIsMissing, startTestNats, type TestNats } from '#tools/test-nats.ts';

const ENVIRONMENT = 'prod';
const FIXTURES = join(root, 'stack/fixtures');
const RULES = join(root, 'stack/generated/rules');
/** Time for scrapes, one each second, to make rates of everything. */
const WITHIN_MS = 90_000;

/** Metrics that have no answer here, and why. */
const UNANSWERED: Readonly<Record<string, string>> = {};

interface ActiveTarget {
  labels: Record<string, string>;
  health: string;
  lastError: string;
}

describe.skipIf(whyNoMetricServers() !== null || natsIsMissing())('on a platform at work', () => {
  let platform: LastingPlatform;
  let control: ControlProcess;
  let caller: Caller;
  let metrics: EmbeddedMetrics;
  let nats: TestNats;
  let connection: NatsConnection;

  beforeAll(async () => {
    platform = await startLastingPlatform({
      settings: ({ control_url }) => ({
        thresholds: { drain_timeout_s: 3, ack_timeout_s: 3 },
        orchestrator: { simulated: { url: control_url } },
        nodes: [],
      }),
    });
    const { control_url, token } = platform.fleet.manifest;
    const port = await freePort();
    metrics = await startEmbeddedMetrics({
      folder: join(platform.folder, 'metrics'),
      programs: findMetricsPrograms(pathWithMetrics()),
      targets: {
        platform: { url: `${control_url}/targets`, token },
        control: `127.0.0.1:${port}`,
        environments: [ENVIRONMENT],
      },
      rules: [join(RULES, '*.yaml')],
      interval: '1s',
    });
    control = await platform.start({ port });
    for (const file of readdirSync(FIXTURES)) {
      const service = file.replace('.prom', '');
      await importRecorded(metrics.metricsUrl, join(FIXTURES, file), {
        env: ENVIRONMENT,
        service,
        instance: 'host-1',
      });
    }
    nats = await startTestNats();
    connection = await connect({ servers: nats.url });
    await makeTrouble();
  });

  it('every target is scraped', async () => {
    const down = async (): Promise<string[]> => {
      const answer = await fetch(`${metrics.targetsUrl}/api/v1/targets`);
      const { data } = (await answer.json()) as { data: { activeTargets: ActiveTarget[] } };
      return data.activeTargets
        .filter(({ health }) => health !== 'up')
        .map(({ labels, lastError }) => `${labels['instance']}: ${lastError}`);
    };
    await vi.waitFor(async () => expect(await down()).toEqual([]), { timeout: 20_000, interval: 500 });
  });
  afterAll(async () => {
    await connection?.close();
    await nats?.dispose();
    await control?.stop();
    await metrics?.stop();
    await platform?.stop();
  });

  /** All that a dashboard can show goes on at once. */
  async function makeTrouble(): Promise<void> {
    const { faults } = platform.fleet;
    caller = await signIn(control.url);
    await createTenant(caller, 'attacker');
    await createTenant(caller, 'stalled');
    await createTenant(caller, 'stuck');
    faults.switchOn({ environment: ENVIRONMENT, fault: 'tenant_attacks', tenant_id: 'attacker' });
    faults.switchOn({ environment: ENVIRONMENT, fault: 'login_attack' });
    for (const { node_id, kind } of platform.nodes) {
      if (kind === 'projection') faults.switchOn({ node_id, fault: 'release_regresses' });
      if (kind !== 'aggregate') continue;
      faults.switchOn({ node_id, fault: 'drain_stalls', tenant_id: 'stalled' });
      faults.switchOn({ node_id, fault: 'drain_stalls', tenant_id: 'stuck' });
      faults.switchOn({ node_id, fault: 'refuses_resume', tenant_id: 'stuck' });
    }
    faults.switchOn({ node_id: `${ENVIRONMENT}-run-1`, fault: 'effects_fail' });
    const ended = async (tenant: string): Promise<string> => {
      const { job_id } = await startMove(platform, caller, tenant);
      return (await waitForJob(caller, job_id)).state;
    };
    expect(await ended('stalled')).toBe('failed_rolled_back');
    expect(await ended('stuck')).toBe('stuck');

    await restart('runner');
    faults.switchOn({ node_id: `${ENVIRONMENT}-run-2`, fault: 'task_fails' });
    const hosts = await caller.call<{ items: { host_id: string }[] }>(
      'GET',
      `/scale/hosts?environment=${ENVIRONMENT}`,
    );
    faults.switchOn({ host_id: hosts.body.items.at(-1)?.host_id ?? '', fault: 'host_down' });

    const manager = await jetstreamManager(connection);
    await manager.streams.add({ name: 'EVENTS', subjects: ['events.>'], max_bytes: 64 * 1024 * 1024 });
    await manager.consumers.add('EVENTS', { durable_name: 'projection', ack_policy: 'explicit' });
  }

  /** A rollout, which dashboards mark. */
  async function restart(name: string): Promise<void> {
    const { body } = await caller.call<{ items: { service_id: string }[] }>(
      'GET',
      `/scale/services?environment=${ENVIRONMENT}`,
    );
    const service_id = body.items.map((each) => each.service_id).find((id) => id.includes(name));
    const request = { environment: ENVIRONMENT, service_id };
    const plan = await caller.call<Plan>('POST', '/scale/service-restarts/plan', request);
    const started = await caller.call<{ job_id: string }>('POST', '/scale/service-restarts', {
      ...request,
      plan_hash: plan.body.plan_hash,
      reason: 'rehearsal',
    });
    expect(started).toMatchObject({ status: 202 });
    expect((await waitForJob(caller, started.body.job_id)).state).toBe('succeeded');
  }

  /** Publishes, lets a consumer take some without an acknowledgement, and hands the server's figures over. */
  async function moveNats(): Promise<void> {
    const stream = jetstream(connection);
    await Promise.all(Array.from({ length: 20 }, () => stream.publish('events.made', 'x'.repeat(100))));
    const consumer = await stream.consumers.get('EVENTS', 'projection');
    await consumer.next({ expires: 1_000 });
    await importExposition(metrics.metricsUrl, await natsExposition(nats.monitoring), {
      env: ENVIRONMENT,
      service: 'nats-exporter',
      instance: 'nats-1',
    });
  }

  /** The rules of long windows, which vmalert evaluates every quarter of an hour, over the minute that was. */
  function replayRecordings(): void {
    const { vmalert } = findMetricsPrograms(pathWithMetrics());
    const at = (secondsAgo: number): string => new Date(Date.now() - secondsAgo * 1000).toISOString();
    const { status, stderr } = spawnSync(
      vmalert,
      [
        `-rule=${join(RULES, 'recordings.yaml')}`,
        `-datasource.url=${metrics.metricsUrl}`,
        `-remoteWrite.url=${metrics.metricsUrl}`,
        `-replay.timeFrom=${at(5)}`,
        `-replay.timeTo=${at(0)}`,
        '-replay.rulesDelay=0s',
        '-replay.disableProgressBar',
        '-loggerLevel=ERROR',
      ],
      { encoding: 'utf8', timeout: 60_000 },
    );
    if (status !== 0) throw new Error(`vmalert's replay failed: ${stderr}`);
  }

  /** Queries without an answer; asks again until there are none but those that are known to have none. */
  async function unanswered(queries: readonly StackQuery[]): Promise<string[]> {
    let waiting = queries.filter(
      ({ expr }) => !Object.keys(UNANSWERED).some((metric) => expr.includes(metric)),
    );
    const left = async (): Promise<void> => {
      await Promise.all([moveNats(), caller.call('GET', '/tenants')]);
      const answers = await Promise.all(
        waiting.map(async (query) => ({ query, series: await ask(metrics.metricsUrl, query.expr) })),
      );
      waiting = answers.filter(({ series }) => series.length === 0).map(({ query }) => query);
      if (waiting.length > 0) throw new Error(`${waiting.length} queries have no answer`);
    };
    await vi.waitFor(left, { timeout: WITHIN_MS, interval: 1_000 }).catch(() => undefined);
    return waiting.map(({ where, expr }) => `${where}: ${expr}`);
  }

  it('every alert compares figures, and every recording rule records some', async () => {
    const queries = ruleQueries().filter(({ expr }) => !expr.includes('slo:'));
    expect(queries.length).toBeGreaterThan(50);
    expect(await unanswered(queries)).toEqual([]);
    replayRecordings();
    const onRecordings = ruleQueries().filter(({ expr }) => expr.includes('slo:'));
    expect(await unanswered(onRecordings)).toEqual([]);
  });

  it('every query of every panel has an answer', async () => {
    const queries = dashboardQueries(ENVIRONMENT, '1m');
    expect(queries.length).toBeGreaterThan(150);
    expect(await unanswered(queries)).toEqual([]);
  });

  it('every named query has an answer', async () => {
    expect(await unanswered(namedQueries(ENVIRONMENT, '1m'))).toEqual([]);
  });
});
