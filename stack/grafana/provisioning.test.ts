/** Grafana cannot be had here: its files are held to a reviewed list of what its documentation names, and to the rest of the stack. */
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { dashboardFiles } from '#stack/dashboards/dashboard-files.ts';
import { DASHBOARDS } from '#stack/dashboards/dashboard-list.ts';
import { provisioningFiles } from './provisioning-files.ts';

interface Datasource {
  name: string;
  type: string;
  uid: string;
  access: string;
  editable: boolean;
  isDefault?: boolean;
  jsonData: {
    alertmanagerUid?: string;
    implementation?: string;
    derivedFields?: { matcherRegex: string; url: string }[];
  };
  correlations?: {
    targetUID: string;
    config: {
      field: string;
      target: { expr: string };
      transformations?: { field: string; expression: string; mapValue: string }[];
    };
  }[];
}

/** Keys that we use, as the pages on provisioning, on each data source and on correlations name them. */
const DOCUMENTED = {
  datasource: 'name type uid access editable url isDefault jsonData correlations',
  prometheus:
    'timeInterval httpMethod prometheusType manageAlerts allowAsRecordingRulesTarget alertmanagerUid',
  loki: 'maxLines derivedFields',
  alertmanager: 'implementation handleGrafanaManagedAlerts',
  derivedField: 'name matcherRegex url urlDisplayLabel',
  // Grafana fails to start where label or description is missing.
  correlation: 'targetUID label description config',
  correlationConfig: 'type field target transformations',
  transformation: 'type field expression mapValue',
  provider: 'name type folder disableDeletion allowUiUpdates updateIntervalSeconds options',
  providerOptions: 'path foldersFromFilesStructure',
} as const;

const [datasourcesText = '', dashboardsText = ''] = Object.values(provisioningFiles());
const { datasources } = parse(datasourcesText) as { datasources: Datasource[] };
const correlations = datasources.flatMap((datasource) =>
  (datasource.correlations ?? []).map((correlation) => ({ ...correlation, datasource })),
);
const uids = datasources.map(({ uid }) => uid);

describe('the data sources', () => {
  it('have documented keys only', () => {
    const unknown = datasources.flatMap((datasource) => [
      ...undocumented('datasource', datasource),
      ...undocumented(datasource.type as 'loki', datasource.jsonData),
      ...(datasource.jsonData.derivedFields ?? []).flatMap((field) => undocumented('derivedField', field)),
      ...(datasource.correlations ?? []).flatMap((correlation) => [
        ...undocumented('correlation', correlation),
        ...undocumented('correlationConfig', correlation.config),
        ...(correlation.config.transformations ?? []).flatMap((each) => undocumented('transformation', each)),
      ]),
    ]);
    expect(unknown).toEqual([]);
  });

  it('are those that the dashboards and each other name, and are not changed by hand', () => {
    const named = Object.values(dashboardFiles()).flatMap((text) =>
      [...text.matchAll(/"uid": "(cloudlysis-(?:metrics|logs))"/g)].map(([, uid = '']) => uid),
    );
    const wanted = [
      ...named,
      ...datasources.flatMap(({ jsonData }) => jsonData.alertmanagerUid ?? []),
      ...correlations.map(({ targetUID }) => targetUID),
    ];
    expect(named.length).toBeGreaterThan(100);
    expect(wanted.filter((uid) => !uids.includes(uid))).toEqual([]);
    expect(datasources.filter(({ isDefault }) => isDefault).length).toBe(1);
    expect(datasources.every(({ editable, access }) => !editable && access === 'proxy')).toBe(true);
    expect(datasources.find(({ type }) => type === 'alertmanager')?.jsonData.implementation).toBe(
      'prometheus',
    );
  });

  it('double every dollar that Grafana is not to fill in from its environment', () => {
    expect(datasourcesText.replaceAll('$$', '')).not.toContain('$');
    expect(datasourcesText).toContain('$$');
  });
});

describe('from metrics to logs', () => {
  const line = '{"level":50,"request_id":"req-1","trace_id":"4bf92f3577b34da6","msg":"no"}';

  it('leads a click on a service or a tenant', () => {
    const fromMetrics = correlations.filter(({ datasource }) => datasource.type === 'prometheus');
    expect(fromMetrics.map(({ config }) => config.field)).toEqual(['service', 'tenant_id']);
    expect(new Set(fromMetrics.map(({ targetUID }) => targetUID))).toEqual(new Set(['cloudlysis-logs']));
  });

  it.each([
    ['request_id', 'req-1'],
    ['trace_id', '4bf92f3577b34da6'],
  ])('and on by %s to all lines that have the same', (id, value) => {
    const transformation = correlations
      .flatMap(({ config }) => config.transformations ?? [])
      .find(({ mapValue }) => mapValue === id);
    const correlation = correlations.find(({ config }) => config.transformations?.includes(transformation!));
    expect(new RegExp(transformation!.expression.slice(1, -1)).exec(line)?.[1]).toBe(value);
    expect(correlation?.config.target.expr).toContain(`| ${id}="$\${${id}}"`);

    const derived = datasources.flatMap(({ jsonData }) => jsonData.derivedFields ?? []);
    const field = derived.find(({ matcherRegex }) => matcherRegex.includes(id));
    expect(new RegExp(field!.matcherRegex).exec(line)?.[1]).toBe(value);
    expect(field?.url).toMatch(new RegExp(`^/d/${DASHBOARDS.logs.uid}\\?var-correlation=`));
  });
});

it('the provider of the dashboards has documented keys only, and lets nobody change them in Grafana', () => {
  const { providers } = parse(dashboardsText) as {
    providers: { options: object; allowUiUpdates: boolean }[];
  };
  const unknown = providers.flatMap((provider) => [
    ...undocumented('provider', provider),
    ...undocumented('providerOptions', provider.options),
  ]);
  expect(unknown).toEqual([]);
  expect(providers.map(({ allowUiUpdates }) => allowUiUpdates)).toEqual([false]);
});

function undocumented(kind: keyof typeof DOCUMENTED, value: object): string[] {
  const documented = DOCUMENTED[kind].split(' ');
  return Object.keys(value).flatMap((key) => (documented.includes(key) ? [] : [`${kind}.${key}`]));
}
