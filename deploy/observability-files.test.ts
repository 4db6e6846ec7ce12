/** What the deployment files of the observability stack promise that can be seen by reading them, and by the programs that can be had. */
import { spawnSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import { describe, expect, it, test } from 'vitest';
import { parse } from 'yaml';

import { HOURLY_SERIES, SCRAPE_JOBS } from '#stack/scrape/scrape-jobs.ts';
import { findAlertmanager } from '#tools/prometheus-programs.mjs';
import { findVictoriaMetrics } from '#tools/victoria-metrics.mjs';

interface Service {
  image: string;
  command?: string[];
  volumes?: (string | { type: string; source: string; read_only?: boolean })[];
  networks?: string[];
  healthcheck?: { disable?: boolean };
  secrets?: (string | { source: string })[];
  configs?: { source: string; target: string }[];
  deploy?: { labels?: Record<string, string>; resources?: { limits?: { memory?: string } } };
}
interface File {
  services: Record<string, Service>;
  configs?: Record<string, { file: string }>;
}

const here = import.meta.dirname;
const read = (name: string): File => parse(readFileSync(join(here, name), 'utf8'), { merge: true }) as File;
const generated = (path: string) => join(here, '../stack/generated', path);

const compose = read('compose.observability.yml');
const stack = read('stack.observability.yml');
const single = { ...read('compose.yml').services, ...compose.services };
const swarm = { ...read('stack.yml').services, ...stack.services };

/** What the stack was written for; older ones lack metrics or settings that it uses. */
const VERSIONS: Record<string, string> = {
  'victoria-metrics': 'v1.150.0',
  vmagent: 'v1.150.0',
  vmalert: 'v1.150.0',
  alertmanager: 'v0.34.0',
  loki: '3.7.6',
  alloy: 'v1.18.1',
  grafana: '13.2.0',
  'node-exporter': 'v1.12.1',
  cadvisor: 'v0.60.5',
  'nats-exporter': '0.20.1',
};

describe.each(['compose.observability.yml', 'stack.observability.yml'])('%s', (file) => {
  const { services } = read(file);

  it('has each part in the version that the stack was written for', () => {
    const versions = Object.entries(services).map(([name, { image }]) => [
      name,
      /^\$\{[A-Z_]+(?::-[\w./-]+:|:\?cAdvisor )([\w.]+)[,}]/.exec(image)?.[1],
    ]);
    expect(Object.fromEntries(versions)).toEqual(VERSIONS);
  });

  it('limits the memory of each part, and asks each whether it is well that can say so', () => {
    const unlimited = Object.entries(services).filter(([, { deploy }]) => !deploy?.resources?.limits?.memory);
    const unasked = Object.entries(services).filter(
      ([, { healthcheck }]) => !healthcheck || healthcheck.disable,
    );
    expect(unlimited).toEqual([]);
    expect(unasked.map(([name]) => name)).toEqual(['nats-exporter']);
  });

  it('ends what is kept, and holds the budgets of series', () => {
    const flags = Object.values(services).flatMap(({ command = [] }) => command);
    expect(flags).toContain('-retentionPeriod=${METRICS_RETENTION:-90d}');
    expect(flags).toContain(`-remoteWrite.maxHourlySeries=${HOURLY_SERIES.vmagent}`);
    expect(flags).toContain(`-storage.maxHourlySeries=${HOURLY_SERIES.store}`);
  });

  it('gives Alertmanager the files from which it reads its addresses', () => {
    const config = readFileSync(generated('alertmanager/alertmanager.yaml'), 'utf8');
    const wanted = [...config.matchAll(/url_file: \/run\/secrets\/(\w+)/g)].map(([, name = '']) => name);
    const given = services['alertmanager']?.secrets?.map((each) =>
      typeof each === 'string' ? each : each.source,
    );
    expect(given?.toSorted()).toEqual(wanted.toSorted());
  });
});

/** The programs of VictoriaMetrics come in one package. */
const victoriaMetrics = findVictoriaMetrics('victoria-metrics');
const alertmanager = findAlertmanager();
const PROGRAMS: Record<string, () => string[]> = {
  'victoria-metrics': () => wordsOf(victoriaMetrics),
  vmagent: () => wordsOf(findVictoriaMetrics('vmagent')),
  vmalert: () => wordsOf(findVictoriaMetrics('vmalert')),
  alertmanager: () => wordsOf(alertmanager),
};

describe.skipIf('reason' in victoriaMetrics || 'reason' in alertmanager).each(Object.entries(PROGRAMS))(
  '%s',
  (name, command) => {
    const run = (flags: string[]): number | null => {
      const [program = '', ...words] = command();
      // Flags are read before the version is told.
      const version = name === 'alertmanager' ? '--version' : '-version';
      return spawnSync(program, [...words, ...flags, version], { timeout: 10_000 }).status;
    };

    it.each([
      ['compose.yml', single],
      ['the stack', swarm],
    ])('knows every flag that %s gives it, and no other', (_, services) => {
      const flags = (services[name]?.command ?? []).map((flag) => flag.replace(/\$\{\w+:[-?](.*)\}/, '$1'));
      expect(run(flags)).toBe(0);
      expect(run([...flags, '--no.such.flag=1'])).not.toBe(0);
    });
  },
);

describe('on one host', () => {
  const { scrape_configs } = parse(readFileSync(generated('scrape/single-host.yaml'), 'utf8')) as {
    scrape_configs: { job_name: string; static_configs?: { targets: string[] }[] }[];
  };
  const targets = scrape_configs.flatMap(({ static_configs = [] }) =>
    static_configs.flatMap(({ targets }) => targets.map((target) => target.split(':')[0] ?? '')),
  );

  it('vmagent reaches whatever it is to scrape', () => {
    const reached = single['vmagent']?.networks ?? [];
    const unreached = targets.filter(
      (name) => !single[name]?.networks?.some((network) => reached.includes(network)),
    );
    expect(unreached).toEqual([]);
  });

  it('each part of the stack is scraped', () => {
    expect(Object.keys(compose.services).filter((name) => !targets.includes(name))).toEqual([]);
  });

  it('files of the stack are there, and mounted read-only', () => {
    const mounts = Object.values(compose.services)
      .flatMap(({ volumes = [] }) => volumes.map(String))
      .filter((volume) => volume.startsWith('../stack/'))
      .map((volume) => volume.split(':'));
    expect(mounts.length).toBe(8);
    expect(mounts.filter(([path = '', , mode]) => mode !== 'ro' || !existsSync(join(here, path)))).toEqual(
      [],
    );
  });

  it('the example of targets has the nodes of the example of the configuration', () => {
    const { environments } = parse(readFileSync(join(here, 'control.example.yaml'), 'utf8')) as {
      environments: { name: string; nodes: { node_id: string; kind: string; url: string }[] }[];
    };
    expect(parse(readFileSync(join(here, 'targets.example/nodes.yml'), 'utf8'))).toEqual(
      environments.flatMap(({ name, nodes }) =>
        nodes.map(({ node_id, kind, url }) => ({
          targets: [url.replace('http://', '')],
          labels: { env: name, service: kind, instance: node_id },
        })),
      ),
    );
  });
});

describe('on a Swarm', () => {
  it('each part of the stack and the control plane say by labels where they are scraped', () => {
    const labelled = Object.entries(swarm).flatMap(([name, { deploy }]) => {
      const job = deploy?.labels?.['cloudlysis.metrics.job'];
      return job === undefined
        ? []
        : [{ name, job, port: Number(deploy?.labels?.['cloudlysis.metrics.port']) }];
    });
    const wanted = SCRAPE_JOBS.filter(({ optional }) => !optional);
    expect(labelled.toSorted(byJob)).toEqual(
      wanted.map(({ job, port }) => ({ name: job, job, port })).toSorted(byJob),
    );
    expect(labelled.filter(({ name }) => !swarm[name]?.networks?.includes('observability'))).toEqual([]);
  });

  it('every dashboard and every file of rules is delivered', () => {
    const delivered = (folder: string): string[] =>
      Object.values(stack.services)
        .flatMap(({ configs = [] }) => configs)
        .filter(({ target }) => target.startsWith(folder))
        .map(({ source }) => basename(stack.configs?.[source]?.file ?? ''))
        .toSorted();
    expect(delivered('/etc/grafana/dashboards/')).toEqual(readdirSync(generated('dashboards')).toSorted());
    expect(delivered('/etc/vmalert/rules/')).toEqual(
      [...readdirSync(generated('rules')), 'watchdog.yaml'].toSorted(),
    );
    const missing = Object.values(stack.configs ?? {}).filter(({ file }) => !existsSync(join(here, file)));
    expect(missing).toEqual([]);
  });

  it('NATS servers have the names by which they are monitored', () => {
    expect(readFileSync(join(here, 'stack.yml'), 'utf8')).toContain("hostname: 'nats-{{.Task.Slot}}'");
    expect(stack.services['nats-exporter']?.command?.filter((word) => word.startsWith('http'))).toEqual(
      [1, 2, 3].map((slot) => `http://nats-${slot}:8222`),
    );
  });
});

test.each(['control.example.yaml', 'control.stack.example.yaml'])(
  '%s names parts of the stack by the port that they have',
  (file) => {
    const text = readFileSync(join(here, file), 'utf8');
    const named = [...text.matchAll(/^ +\w+_url: http:\/\/([a-z-]+):(\d+)$/gm)];
    const wrong = named.filter(
      ([, host, port]) => SCRAPE_JOBS.find(({ job }) => job === host)?.port !== Number(port),
    );
    expect(named.length).toBe(6);
    expect(wrong).toEqual([]);
  },
);

function wordsOf(program: { path: string } | { command: string[] } | { reason: string }): string[] {
  if ('reason' in program) throw new Error(program.reason);
  return 'path' in program ? [program.path] : program.command;
}

function byJob({ job }: { job: string }, other: { job: string }): number {
  return job.localeCompare(other.job);
}
