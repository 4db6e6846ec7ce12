import { describe, expect, it } from 'vitest';
import type { EnvironmentConfiguration } from '#server/configuration.ts';
import { LOGS_SOURCE } from '#stack/dashboards/panel.ts';
import { openObservability } from '#server/open-observability.ts';
import { listDashboards, listLinks } from './link-service.ts';

const of = (observability: object) => ({
  environments: [openObservability({ name: 'prod', observability } as EnvironmentConfiguration, {})],
});
const grafana = of({
  grafana_url: 'http://grafana:3000',
  grafana_public_url: 'https://example.com/grafana/',
});
const HOUR = { from: '2026-05-01T11:00:00Z', to: '2026-05-01T12:00:00Z' };
const parsed = (url: string | undefined) => {
  const { origin, pathname, searchParams } = new URL(url ?? '');
  return { at: origin + pathname, query: Object.fromEntries(searchParams) };
};

describe('links into Grafana', () => {
  it('lead from the overview over HTTP detail to the logs, at the address for browsers', async () => {
    const { items } = await listLinks(grafana, { environment: 'prod', ...HOUR });
    expect(items.map(({ step, uid, kind }) => [step, uid ?? kind])).toEqual([
      [1, 'cloudlysis-operations'],
      [2, 'cloudlysis-http-detail'],
      [3, 'logs'],
    ]);
    expect(parsed(items[0]?.url)).toEqual({
      at: 'https://example.com/grafana/d/cloudlysis-operations',
      query: {
        from: String(Date.parse(HOUR.from)),
        to: String(Date.parse(HOUR.to)),
        'var-environment': 'prod',
      },
    });
  });

  it('set the variables that the dashboard has, and no other', async () => {
    const { items } = await listLinks(grafana, {
      environment: 'prod',
      service: 'gateway',
      tenant_id: 'acme',
      ...HOUR,
    });
    const at = (uid: string) => parsed(items.find((each) => each.uid === uid)?.url).query;
    expect(at('cloudlysis-http-detail')).toMatchObject({ 'var-service': 'gateway' });
    expect(at('cloudlysis-http-detail')).not.toHaveProperty('var-tenant');
    expect(at('cloudlysis-noisy-neighbour')).toMatchObject({
      'var-tenant': 'acme',
      'var-service': 'gateway',
    });
  });

  it('open the logs of the tenant and service in Explore', async () => {
    const { items } = await listLinks(grafana, {
      environment: 'prod',
      service: 'runner',
      tenant_id: 'acme',
      ...HOUR,
    });
    const { at, query } = parsed(items.find(({ kind }) => kind === 'logs')?.url);
    expect(at).toBe('https://example.com/grafana/explore');
    expect(JSON.parse(query['panes'] ?? '')).toEqual({
      logs: {
        datasource: LOGS_SOURCE.uid,
        queries: [
          {
            refId: 'A',
            datasource: LOGS_SOURCE,
            editorMode: 'code',
            expr: '{env="prod", service=~"runner", instance=~".*"} | tenant_id=~"acme"',
            queryType: 'range',
          },
        ],
        range: { from: String(Date.parse(HOUR.from)), to: String(Date.parse(HOUR.to)) },
      },
    });
  });

  it('are about the kind of service that is asked for', async () => {
    const uids = async (service: 'runner' | 'projection') =>
      (await listLinks(grafana, { environment: 'prod', service })).items.map(({ uid }) => uid);
    expect(await uids('runner')).toContain('cloudlysis-workers');
    expect(await uids('projection')).toContain('cloudlysis-storage');
    expect(await uids('projection')).not.toContain('cloudlysis-workers');
  });

  it('name dashboards that there are', async () => {
    const everything = { service: 'projection', tenant_id: 'acme', node_id: 'prj-1' } as const;
    const { items } = await listLinks(grafana, { environment: 'prod', ...everything });
    const dashboards = await listDashboards(grafana, 'prod');
    expect(items.filter(({ kind }) => kind === 'dashboard')).toHaveLength(7);
    expect(dashboards.items.find(({ uid }) => uid === 'cloudlysis-slos')?.url).toBe(
      'https://example.com/grafana/d/cloudlysis-slos?var-environment=prod',
    );
  });

  it('need a Grafana, and say how to name one; the list of dashboards does not', async () => {
    await expect(listLinks(of({}), { environment: 'prod' })).rejects.toMatchObject({
      code: 'not_configured',
      message: expect.stringContaining('observability.grafana_url'),
    });
    const { items } = await listDashboards(of({}), 'prod');
    expect(items.length).toBeGreaterThan(10);
    expect(items.every(({ url }) => url === null)).toBe(true);
  });

  it('take no range that runs backwards', async () => {
    const backwards = { environment: 'prod', from: HOUR.to, to: HOUR.from };
    await expect(listLinks(grafana, backwards)).rejects.toMatchObject({ code: 'validation_failed' });
  });
});
