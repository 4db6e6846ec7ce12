/** Queries, alerts and targets on the real servers: VictoriaMetrics, vmagent, vmalert, Alertmanager. */
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import type { runQuery as runQueryEndpoint } from '#contract/observability.ts';
import type { QueryOf } from '#contract/endpoint.ts';
import type { EnvironmentConfiguration } from '#server/configuration.ts';
import { openObservability } from '#server/open-observability.ts';
import { startTestHttpServer, type TestHttpServer } from '#tools/test-http-server.ts';
import {
  startTestMetricServers,
  whyNoMetricServers,
  type TestMetricServers,
} from '#tools/test-metric-servers.ts';
import { listAlerts } from './alert-service.ts';
import { runQuery } from './query-service.ts';
import { getStatus } from './status-service.ts';
import { listTargets } from './target-service.ts';

const never = new AbortController().signal;
const AWAY = 'http://127.0.0.1:4';
/** Begin of an hour that is over, so that nothing else is in it. */
const BEGIN = Math.floor(Date.now() / 3_600_000) * 3_600_000 - 3_600_000;
const HOUR = { from: new Date(BEGIN).toISOString(), to: new Date(BEGIN + 600_000).toISOString() };
/** A name that would end its string and the matcher, were it not escaped. */
const HOSTILE = 'gw"} or up{x=~".*\n\\';

describe.skipIf(whyNoMetricServers() !== null)('an environment with metric servers', () => {
  let servers: TestMetricServers;
  let exporter: TestHttpServer;
  let addresses: object;
  beforeAll(async () => {
    exporter = await startTestHttpServer();
    exporter.answer(() => ({ body: 'platform_ready 1\n' }));
    const labels = (env: string, instance: string) => ({ env, service: 'gateway', instance });
    const target = exporter.url.replace('http://', '');
    servers = await startTestMetricServers({
      scrape_configs: [
        {
          job_name: 'gateway',
          scrape_interval: '1s',
          static_configs: [
            { targets: [target], labels: labels('prod', 'gw-1') },
            { targets: ['127.0.0.1:4'], labels: labels('prod', 'gw-2') },
            { targets: [target], labels: labels('dev', 'gw-3') },
            { targets: [target], labels: { ...labels('control', 'control-1'), service: 'control' } },
          ],
        },
      ],
      rule_groups: [
        {
          name: 'availability',
          interval: '1s',
          rules: [
            {
              alert: 'ServiceDown',
              expr: 'up == 0',
              labels: { severity: 'page' },
              annotations: {
                summary: '{{ $labels.instance }} is down',
                runbook: 'docs/runbooks/service-down.md',
                dashboard: '/d/cloudlysis-operations?var-environment={{ $labels.env }}',
              },
            },
            {
              alert: 'SlowToFire',
              expr: 'platform_ready == 1',
              for: '1h',
              labels: { severity: 'ticket' },
              annotations: { runbook: 'https://elsewhere.example/', dashboard: 'javascript:alert(1)' },
            },
          ],
        },
      ],
    });
    const { metrics_url, alerts_url, targets_url, alertmanager_url } = servers;
    addresses = {
      metrics_url,
      alerts_url,
      targets_url,
      ...(alertmanager_url === null ? {} : { alertmanager_url }),
      grafana_url: 'http://grafana:3000',
    };
  });
  afterAll(async () => {
    await servers?.stop();
    await exporter?.close();
  });

  const observed = (observability: object = addresses) => ({
    environments: ['dev', 'prod'].map((name) =>
      openObservability({ name, observability } as EnvironmentConfiguration, {}),
    ),
  });
  const run = (name: string, query: Partial<QueryOf<typeof runQueryEndpoint>> = {}) =>
    runQuery(observed(), name, { environment: 'prod', ...HOUR, ...query }, never);

  /** A counter that grows by `rate` each second, every 15 seconds from the begin of the hour; `skip` leaves a gap. */
  const counter = (series: string, rate: number, skip = (_second: number) => false): string =>
    Array.from({ length: 40 }, (_, index) => index * 15)
      .filter((second) => !skip(second))
      .map((second) => `${series} ${1_000 + second * rate} ${BEGIN + second * 1000}\n`)
      .join('');
  const requests = (labels: Record<string, string>): string => {
    const all = { env: 'prod', service: 'gateway', path: '/', method: 'GET', status: '200', ...labels };
    return `http_requests_total{${Object.entries(all)
      .map(([label, value]) => `${label}=${JSON.stringify(value)}`)
      .join(',')}}`;
  };

  it('shows the figures of the environment, service and node that are asked for, and of no other', async () => {
    await servers.importSamples(
      counter(requests({ instance: 'gw-1' }), 10) +
        counter(requests({ instance: 'gw-2', status: '500' }), 5) +
        counter(requests({ instance: 'agg-1', service: 'aggregate' }), 3) +
        counter(requests({ instance: HOSTILE, service: 'runner' }), 7) +
        counter(requests({ instance: 'gw-1', env: 'dev' }), 100),
    );
    const lastOf = async (name: string, query: object) => {
      const { series } = await run(name, query);
      return series.map(({ labels, points }) => [labels['service'], Number(points.at(-5)?.[1]?.toFixed(3))]);
    };
    expect(await lastOf('request-rate', {})).toEqual([
      ['aggregate', 3],
      ['gateway', 15],
      ['runner', 7],
    ]);
    expect(await lastOf('request-rate', { service: 'gateway' })).toEqual([['gateway', 15]]);
    expect(await lastOf('request-rate', { node_id: 'gw-1' })).toEqual([['gateway', 10]]);
    expect(await lastOf('request-rate', { node_id: HOSTILE })).toEqual([['runner', 7]]);
    expect(await lastOf('request-rate', { node_id: 'gw-.' })).toEqual([]);
    expect(await lastOf('error-ratio', { service: 'gateway' })).toEqual([['gateway', 0.333]]);
    expect(await run('request-rate')).toMatchObject({
      ...HOUR,
      unit: 'requests_per_s',
      step_s: 5,
      dropped: 0,
      answer: { source: `metrics server ${servers.metrics_url}` },
    });
  });

  it('shows a gap as null, and never as 0', async () => {
    const gap = (second: number) => second >= 120 && second < 420;
    const name = 'platform_consumer_lag{env="prod",service="projection",instance="prj-1"}';
    await servers.importSamples(
      Array.from({ length: 40 }, (_, index) => index * 15)
        .filter((second) => !gap(second))
        .map((second) => `${name} 4 ${BEGIN + second * 1000}\n`)
        .join(''),
    );
    const { series, from, to, step_s } = await run('consumer-lag', { service: 'projection', step_s: 15 });
    const points = series[0]?.points ?? [];
    expect(points).toHaveLength((Date.parse(to) - Date.parse(from)) / 1000 / step_s + 1);
    expect(points.find(([at]) => at === BEGIN / 1000 + 300)).toEqual([BEGIN / 1000 + 300, null]);
    expect(points.find(([at]) => at === BEGIN / 1000 + 60)).toEqual([BEGIN / 1000 + 60, 4]);
    expect(points.map(([, value]) => value)).not.toContain(0);
  });

  it('reads a tenant from the metrics that know tenants, and refuses queries that know none', async () => {
    const tenant = (tenant_id: string) =>
      `gateway_tenant_requests_total{env="prod",service="gateway",instance="gw-1",tenant_id="${tenant_id}",status_class="2xx"}`;
    await servers.importSamples(counter(tenant('acme'), 4) + counter(tenant('acme-2'), 9));
    const { series } = await run('request-rate', { tenant_id: 'acme' });
    expect(series.map(({ labels }) => labels)).toEqual([{ tenant_id: 'acme' }]);
    const top = await run('top-tenants-by-request-rate');
    expect(top.series.map(({ labels, points }) => [labels['tenant_id'], points[0]?.[1]])).toEqual([
      ['acme-2', expect.closeTo(9, 3)],
      ['acme', expect.closeTo(4, 3)],
    ]);
    for (const name of ['top-tenants-by-request-rate', 'consumer-lag', 'failing-routes']) {
      await expect(run(name, { tenant_id: 'acme' })).rejects.toMatchObject({
        code: 'validation_failed',
        message: `tenant_id cannot narrow the query ${name}, which takes service, node_id.`,
      });
    }
  });

  it('shows no more series than the limit, the highest ones, and how many it dropped', async () => {
    const names = Array.from({ length: 60 }, (_, index) => `kind-${index + 10}`);
    await servers.importSamples(
      names
        .map(
          (service, index) =>
            `platform_in_flight{env="dev",service="${service}",instance="n"} ${index} ${BEGIN + 60_000}\n`,
        )
        .join(''),
    );
    const { series, dropped } = await run('saturation', { environment: 'dev' });
    expect(series).toHaveLength(50);
    expect(dropped).toBe(10);
    expect(series[0]?.labels).toEqual({ service: 'kind-20' });
  });

  it('shows alerts of the environment and of the control plane, each once, with links that are ours alone', async () => {
    const silence = {
      matchers: [{ name: 'instance', value: 'gw-2', isRegex: false }],
      startsAt: new Date().toISOString(),
      endsAt: new Date(Date.now() + 3_600_000).toISOString(),
      createdBy: 'test',
      comment: 'known',
    };
    if (servers.alertmanager_url !== null) {
      const made = await fetch(`${servers.alertmanager_url}/api/v2/silences`, {
        method: 'POST',
        headers: { 'content-type': 'application/json' },
        body: JSON.stringify(silence),
      });
      expect(made.status).toBe(200);
    }
    const silenced = servers.alertmanager_url !== null;
    await vi.waitFor(
      async () => {
        const { items, dropped } = await listAlerts(observed(), 'prod', never);
        expect(items).toMatchObject([
          {
            name: 'ServiceDown',
            state: 'firing',
            severity: 'page',
            summary: 'gw-2 is down',
            service: 'gateway',
            value: 0,
            silenced,
            runbook: 'docs/runbooks/service-down.md',
            dashboard_uid: 'cloudlysis-operations',
            dashboard_url: 'http://grafana:3000/d/cloudlysis-operations?var-environment=prod',
          },
          { name: 'SlowToFire', state: 'pending', runbook: null, dashboard_uid: null, dashboard_url: null },
          { name: 'SlowToFire', state: 'pending' },
        ]);
        expect(new Set(items.slice(1).map(({ labels }) => labels['instance']))).toEqual(
          new Set(['control-1', 'gw-1']),
        );
        expect(dropped).toBe(0);
      },
      { timeout: 15_000, interval: 200 },
    );
  });

  it('shows what is scraped in the environment, what is down first, and why', async () => {
    await vi.waitFor(
      async () => {
        const { items } = await listTargets(observed(), 'prod', never);
        expect(items).toMatchObject([
          { instance: 'gw-2', health: 'down', error: expect.stringContaining('127.0.0.1:4') },
          { instance: 'control-1', health: 'up', samples: 1, error: null, service: 'control' },
          { instance: 'gw-1', health: 'up', job: 'gateway', last_scrape_at: expect.any(String) },
        ]);
      },
      { timeout: 10_000, interval: 100 },
    );
  });

  it('says of each part whether it answers, and what to do about those that do not', async () => {
    const partsOf = async (observability: object) => {
      const { parts } = await getStatus(observed(observability), 'prod', never);
      return Object.fromEntries(parts.map(({ part, state, detail }) => [part, { state, detail }]));
    };
    expect(await partsOf(addresses)).toMatchObject({
      metrics: { state: 'connected', detail: null },
      alerts: { state: 'connected' },
      targets: { state: 'connected' },
      alertmanager: { state: servers.alertmanager_url === null ? 'not_configured' : 'connected' },
      logs: {
        state: 'not_configured',
        detail: expect.stringContaining('name the address of a Loki in control.yaml'),
      },
      grafana: { state: 'unreachable' },
    });
    // vmalert knows no such API: one address for another is told from a server that is away.
    expect(await partsOf({ metrics_url: servers.alerts_url })).toMatchObject({
      metrics: { state: 'unreachable', detail: expect.stringContaining('/api/v1/query answers 400') },
    });
  });

  it('shows what one of vmalert and Alertmanager knows while the other is away, and says which', async () => {
    const { answer } = await listAlerts(observed({ ...addresses, alertmanager_url: AWAY }), 'prod', never);
    expect(answer.source).toMatch(
      /^vmalert http.*; without Alertmanager http:\/\/127\.0\.0\.1:4: .*ECONNREFUSED/,
    );
    await expect(listAlerts(observed({ alerts_url: AWAY }), 'prod', never)).rejects.toMatchObject({
      code: 'upstream_failed',
      message: expect.stringContaining(`vmalert ${AWAY}`),
    });
  });

  it('reports in the metrics server’s own words why it refuses a query', async () => {
    const broken = openObservability(
      { name: 'prod', observability: { metrics_url: servers.metrics_url } } as EnvironmentConfiguration,
      {},
    );
    await expect(broken.metrics?.query('up{', 1)).rejects.toMatchObject({
      code: 'bad_status',
      detail: expect.stringContaining('unexpected token'),
    });
  });
});
