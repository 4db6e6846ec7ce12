/** Neither Loki nor Alloy can be had here: their files are held to reviewed lists of what their references document. */
import { describe, expect, it } from 'vitest';
import { parse } from 'yaml';

import { alloyFiles } from './alloy-file.ts';
import { type AlloyBlock, type AlloyValue, parseAlloy } from './alloy-syntax.ts';
import { lokiFiles } from './loki-file.ts';

/** Settings of Loki 3.7 that we use, as its configuration reference names them. */
const LOKI_SETTINGS = `
  auth_enabled server.http_listen_port server.log_format
  common.instance_addr common.path_prefix common.replication_factor
  common.storage.filesystem.chunks_directory common.storage.filesystem.rules_directory common.ring.kvstore.store
  schema_config.configs.from schema_config.configs.store schema_config.configs.object_store schema_config.configs.schema
  schema_config.configs.index.prefix schema_config.configs.index.period
  compactor.working_directory compactor.retention_enabled compactor.delete_request_store
  limits_config.retention_period limits_config.max_query_length limits_config.query_timeout
  limits_config.ingestion_rate_mb limits_config.ingestion_burst_size_mb
  limits_config.per_stream_rate_limit limits_config.per_stream_rate_limit_burst
  limits_config.max_global_streams_per_user limits_config.max_label_names_per_series
  limits_config.max_line_size limits_config.max_line_size_truncate limits_config.reject_old_samples_max_age
  limits_config.discover_service_name analytics.reporting_enabled
`
  .trim()
  .split(/\s+/);

/** Attributes of the blocks of Alloy 1.18 that we use, and what components export, as its reference names them. */
const ALLOY_ATTRIBUTES: Record<string, readonly string[]> = {
  logging: ['level', 'format'],
  'discovery.docker': ['host', 'refresh_interval'],
  'discovery.relabel': ['targets'],
  'discovery.relabel rule': ['source_labels', 'regex', 'target_label', 'replacement'],
  'loki.source.docker': ['host', 'targets', 'forward_to'],
  'loki.process': ['forward_to'],
  'loki.process stage.json': ['expressions'],
  'loki.process stage.template': ['source', 'template'],
  'loki.process stage.labels': ['values'],
  'loki.process stage.structured_metadata': ['values'],
  'loki.write': [],
  'loki.write endpoint': ['url', 'max_backoff_period', 'max_backoff_retries'],
};
const ALLOY_EXPORTS: Record<string, readonly string[]> = {
  'discovery.docker': ['targets'],
  'discovery.relabel': ['output', 'rules'],
  'loki.process': ['receiver'],
  'loki.write': ['receiver'],
};

const [lokiText = ''] = Object.values(lokiFiles());
const [alloyText = ''] = Object.values(alloyFiles());
const alloy = parseAlloy(alloyText);

describe('Loki’s configuration', () => {
  it('has settings of the reviewed list only', () => {
    const used = new Set(pathsOf(parse(lokiText)));
    expect([...used].toSorted()).toEqual(LOKI_SETTINGS.toSorted());
  });

  it('deletes what is older than its retention, which is made of whole index tables', () => {
    const { compactor, limits_config, schema_config } = parse(lokiText) as {
      compactor: { retention_enabled: boolean; delete_request_store: string };
      limits_config: { retention_period: string; max_query_length: string };
      schema_config: { configs: { object_store: string; index: { period: string } }[] };
    };
    expect(compactor).toMatchObject({
      retention_enabled: true,
      delete_request_store: schema_config.configs[0]?.object_store,
    });
    expect(schema_config.configs[0]?.index.period).toBe('24h');
    expect(Number.parseInt(limits_config.retention_period, 10) % 24).toBe(0);
    expect(Number.parseInt(limits_config.max_query_length, 10)).toBeGreaterThan(
      Number.parseInt(limits_config.retention_period, 10),
    );
  });
});

describe('Alloy’s configuration', () => {
  it('is made of documented blocks and attributes', () => {
    const check = ({ name, attributes, blocks }: AlloyBlock, parent = ''): string[] => {
      const path = `${parent}${name}`;
      const documented = ALLOY_ATTRIBUTES[path];
      if (!documented) return [path];
      return [
        ...Object.keys(attributes).flatMap((key) => (documented.includes(key) ? [] : [`${path}.${key}`])),
        ...blocks.flatMap((block) => check(block, `${path} `)),
      ];
    };
    expect(alloy.flatMap((block) => check(block))).toEqual([]);
    expect(alloy.length).toBe(6);
  });

  it('refers to what its components export', () => {
    const exported = alloy.flatMap(({ name, label }) =>
      (ALLOY_EXPORTS[name] ?? []).map((field) => `${name}.${label}.${field}`),
    );
    const references = alloy.flatMap(referencesOf);
    expect(references.length).toBe(4);
    expect(references.filter((reference) => !exported.includes(reference))).toEqual([]);
  });

  it('is refused where it is broken', () => {
    expect(() => parseAlloy(alloyText.replace(/}\s*$/, ''))).toThrow('ends too early');
    expect(() => parseAlloy('loki.write "store" { endpoint = }')).toThrow('no value');
  });

  it('makes no label of what has many values', () => {
    const lines = alloy.find(({ name }) => name === 'loki.process');
    const valuesOf = (stage: string): string[] => {
      const values = lines?.blocks.find(({ name }) => name === stage)?.attributes['values'];
      return Object.keys((values as { map: object }).map);
    };
    expect(valuesOf('stage.labels')).toEqual(['level']);
    expect(valuesOf('stage.structured_metadata')).toEqual(['tenant_id', 'request_id', 'trace_id']);
  });

  it.each([
    [
      'one of Compose',
      { name: '/control-nats-1', label_com_docker_compose_service: 'nats' },
      { env: 'prod', service: 'nats', instance: 'control-nats-1' },
    ],
    [
      'a replica in a stack',
      {
        name: '/observability_grafana.1.x7d',
        label_com_docker_stack_namespace: 'observability',
        label_com_docker_swarm_service_name: 'observability_grafana',
        label_com_docker_swarm_task_name: 'observability_grafana.1.x7d',
      },
      { env: 'prod', service: 'grafana', instance: 'observability_grafana.1' },
    ],
    [
      'a node of the platform in another environment',
      {
        name: '/dev-gateway.2.a1b',
        label_com_docker_swarm_service_name: 'dev-gateway',
        label_com_docker_swarm_task_name: 'dev-gateway.2.a1b',
        label_cloudlysis_kind: 'gateway',
        label_cloudlysis_environment: 'dev',
      },
      { env: 'dev', service: 'gateway', instance: 'dev-gateway.2' },
    ],
    ['one that somebody started by hand', { name: '/tryout' }, { env: 'prod', instance: 'tryout' }],
  ])('names %s', (_, container: Record<string, string>, labels) => {
    expect(relabelled(container)).toEqual(labels);
  });
});

/** What the rules make of a container, in the environment `prod`. */
function relabelled(container: Record<string, string>): Record<string, string> {
  const rules = alloy.find(({ name }) => name === 'discovery.relabel')?.blocks ?? [];
  const all: Record<string, string> = Object.fromEntries(
    Object.entries(container).map(([name, value]) => [`__meta_docker_container_${name}`, value]),
  );
  for (const { attributes } of rules) {
    const sources = (attributes['source_labels'] ?? []) as string[];
    const joined = sources.map((name) => all[name] ?? '').join(';');
    const match = new RegExp(`^(?:${(attributes['regex'] as string | undefined) ?? '(.*)'})$`).exec(joined);
    if (!match) continue;
    const { replacement = '$1', target_label } = attributes;
    all[target_label as string] = typeof replacement === 'string' ? (match[1] ?? '') : 'prod';
  }
  return Object.fromEntries(Object.entries(all).filter(([name]) => !name.startsWith('__')));
}

function referencesOf({ attributes, blocks }: AlloyBlock): string[] {
  return [...Object.values(attributes).flatMap(referencesIn), ...blocks.flatMap(referencesOf)];
}

function referencesIn(value: AlloyValue): string[] {
  if (typeof value !== 'object') return [];
  if (Array.isArray(value)) return value.flatMap(referencesIn);
  if ('reference' in value) return [value.reference];
  return 'map' in value ? Object.values(value.map).flatMap(referencesIn) : value.args.flatMap(referencesIn);
}

/** Paths of all settings; those of a list’s items without their place. */
function pathsOf(value: unknown, path = ''): string[] {
  if (Array.isArray(value) && value.length > 0) return value.flatMap((item) => pathsOf(item, path));
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [path];
  return Object.entries(value).flatMap(([key, inner]) =>
    pathsOf(inner, path === '' ? key : `${path}.${key}`),
  );
}
