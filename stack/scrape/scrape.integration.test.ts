/** The generated configurations in a real vmagent: what it takes from whom, with which labels, and where it looks for it. */
import { mkdirSync, mkdtempSync, writeFileSync } from 'node:fs';
import { type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { testFolder } from '#server/db/test-database.ts';
import { ask } from '#tools/test-metrics.ts';
import { freeAddress, startTestProgram, startTestServer, type TestProgram } from '#tools/test-program.ts';
import { findVictoriaMetrics } from '#tools/victoria-metrics.mjs';
import { scrapeFiles } from './scrape-files.ts';
import { engineAnswers } from './swarm-example.ts';

const vmagent = findVictoriaMetrics('vmagent');
const store = findVictoriaMetrics('victoria-metrics');
const [singleHost = '', swarm = ''] = Object.values(scrapeFiles());
const variables = { CLOUDLYSIS_ENVIRONMENT: 'prod', CLOUDLYSIS_HOST: 'host-1' };
const pathOf = (program: { path: string } | { reason: string }): string =>
  'path' in program ? program.path : program.reason;

/** What exporters answer, cut short. */
const EXPOSITIONS = {
  // A platform service says itself which it is, and this one says too much.
  node: [
    'platform_ready{service="gateway",env="prod"} 1',
    ...Array.from({ length: 3_000 }, (_, index) => `too_much{number="${index}"} 1`),
  ],
  control: ['control_leader 1', 'swarm_service_replicas_desired{environment="prod",service="runner"} 3'],
  cadvisor: [
    'container_memory_working_set_bytes{id="/docker/1",image="nats:2",name="control-nats-1",container_label_com_docker_compose_service="nats"} 5',
    'container_memory_working_set_bytes{id="/system.slice"} 7',
    'container_tasks_state{id="/docker/1",image="nats:2",name="control-nats-1"} 1',
  ],
  'nats-exporter': [
    'jetstream_stream_total_bytes{server_id="a",stream_name="EVENTS",is_stream_leader="true"} 9',
    'jetstream_stream_total_bytes{server_id="b",stream_name="EVENTS",is_stream_leader="false"} 8',
    'jetstream_consumer_num_pending{server_id="b",stream_name="EVENTS",is_stream_leader="false",consumer_name="views",is_consumer_leader="true"} 2',
    'gnatsd_varz_cpu{server_id="a"} 1',
  ],
};

describe.skipIf(!('path' in vmagent) || !('path' in store))('vmagent', () => {
  const servers: Server[] = [];
  const programs: TestProgram[] = [];
  let folder = '';
  let storeUrl = '';

  /** Starts vmagent with a configuration; answers its address. */
  const startAgent = async (name: string, config: string): Promise<string> => {
    const file = join(folder, `${name}.yaml`);
    writeFileSync(file, config);
    const address = await freeAddress();
    const command = [
      pathOf(vmagent),
      `-promscrape.config=${file}`,
      `-httpListenAddr=${address}`,
      `-remoteWrite.url=${storeUrl}/api/v1/write`,
      `-remoteWrite.tmpDataPath=${join(folder, name)}`,
      '-remoteWrite.flushInterval=200ms',
    ];
    programs.push(await startTestProgram(command, `http://${address}/health`, variables));
    return address;
  };

  beforeAll(async () => {
    folder = mkdtempSync(join(testFolder(), 'scrape-'));
    const address = await freeAddress();
    storeUrl = `http://${address}`;
    const command = [
      pathOf(store),
      `-httpListenAddr=${address}`,
      `-storageDataPath=${join(folder, 'store')}`,
      '-retentionPeriod=1d',
    ];
    programs.push(await startTestProgram(command, `${storeUrl}/health`));
  });

  afterAll(async () => {
    await Promise.all(programs.map((program) => program.stop()));
    for (const server of servers) server.close();
  });

  describe('on one host', () => {
    beforeAll(async () => {
      const addresses = await Promise.all(
        Object.entries(EXPOSITIONS).map(async ([name, lines]) => {
          const { server, address } = await startTestServer((_request, response) =>
            response.end(`${lines.join('\n')}\n`),
          );
          servers.push(server);
          return [name, address] as const;
        }),
      );
      const { node } = Object.fromEntries(addresses);
      const targets = join(folder, 'targets');
      mkdirSync(targets);
      const labels = { env: 'prod', service: 'gateway', instance: 'gw-1' };
      writeFileSync(join(targets, 'nodes.yml'), JSON.stringify([{ targets: [node], labels }]));
      // As generated, but for where the targets are, and for the patience.
      const config = addresses
        .reduce(
          (text, [name, address]) => text.replaceAll(new RegExp(`- ${name}:\\d+`, 'g'), `- ${address}`),
          singleHost,
        )
        .replaceAll('/etc/vmagent/targets', targets)
        .replaceAll(/scrape_(interval|timeout): \d+s/g, 'scrape_$1: 1s');
      await startAgent('single-host', config);
    });

    const seriesOf = async (selector: string): Promise<Record<string, string>[]> =>
      (await ask(storeUrl, selector)).map(({ metric }) => metric);
    const eventually = (assertion: () => Promise<void>): Promise<void> =>
      vi.waitFor(assertion, { timeout: 20_000, interval: 200 });

    it('labels the series of a node once, by what the list of targets says', async () => {
      await eventually(async () =>
        expect(await seriesOf('platform_ready')).toEqual([
          { __name__: 'platform_ready', job: 'gateway', env: 'prod', service: 'gateway', instance: 'gw-1' },
        ]),
      );
    });

    it('leaves the control plane’s word about other services as it is', async () => {
      const target = { job: 'control', env: 'control', instance: 'control' };
      await eventually(async () => {
        expect(await seriesOf('control_leader')).toEqual([
          { __name__: 'control_leader', ...target, service: 'control' },
        ]);
        expect(await seriesOf('swarm_service_replicas_desired')).toEqual([
          { __name__: 'swarm_service_replicas_desired', ...target, service: 'runner', environment: 'prod' },
        ]);
      });
    });

    it('takes of cAdvisor what the catalogue names, by container, and no label that changes with each restart', async () => {
      await eventually(async () =>
        expect(await seriesOf('{__name__=~"container_.+"}')).toEqual([
          {
            __name__: 'container_memory_working_set_bytes',
            job: 'cadvisor',
            env: 'prod',
            service: 'cadvisor',
            instance: 'host-1',
            name: 'control-nats-1',
            container_label_com_docker_swarm_service_name: 'nats',
          },
        ]),
      );
    });

    it('takes of NATS what the leaders say', async () => {
      await eventually(async () => {
        const found = await seriesOf('{job="nats-exporter", __name__=~"(jetstream|gnatsd)_.+"}');
        expect(found.map(({ __name__, server_id }) => `${__name__} of ${server_id}`).toSorted()).toEqual([
          'jetstream_consumer_num_pending of b',
          'jetstream_stream_total_bytes of a',
        ]);
      });
    });

    it('drops what exceeds the limit of a target, and counts it', async () => {
      await eventually(async () => {
        const [stored] = await ask(storeUrl, 'count({job="gateway"})');
        const count = Number(stored?.value[1]);
        expect(count).toBeGreaterThan(1_900);
        expect(count).toBeLessThanOrEqual(2_000 + AUTOMATIC);
        const [dropped] = await ask(storeUrl, 'scrape_series_limit_samples_dropped{job="gateway"}');
        expect(Number(dropped?.value[1])).toBeGreaterThan(900);
      });
    });
  });

  it('finds on a Swarm each task once, by its service’s labels, in the network that both are in', async () => {
    const socket = join(folder, 'docker.sock');
    const { server } = await startTestServer((request, response) => {
      response.setHeader('content-type', 'application/json');
      response.end(JSON.stringify(engineAnswers(request.url ?? '')));
    }, socket);
    servers.push(server);
    const agent = await startAgent('swarm', swarm.replaceAll('/var/run/docker.sock', socket));
    await vi.waitFor(
      async () => {
        const answer = await fetch(`http://${agent}/api/v1/targets?state=active`);
        const { data } = (await answer.json()) as {
          data: { activeTargets: { scrapeUrl: string; labels: Record<string, string> }[] };
        };
        const found = data.activeTargets.map(({ scrapeUrl, labels }) => ({ scrapeUrl, ...labels }));
        expect(found.toSorted((one, other) => one.scrapeUrl.localeCompare(other.scrapeUrl))).toEqual([
          {
            scrapeUrl: 'http://10.0.1.11:8080/metrics',
            job: 'gateway',
            env: 'staging',
            service: 'gateway',
            instance: 'platform_gateway.1',
          },
          {
            scrapeUrl: 'http://10.0.2.21:7070/metrics',
            job: 'control',
            env: 'control',
            service: 'control',
            instance: 'control_control.2',
          },
          {
            scrapeUrl: 'http://10.0.2.31:9100/metrics',
            job: 'node-exporter',
            env: 'prod',
            service: 'node-exporter',
            instance: 'host-a',
          },
          {
            scrapeUrl: 'http://192.168.7.1:9323/metrics',
            job: 'docker-engine',
            env: 'prod',
            service: 'docker-engine',
            instance: 'host-a',
          },
        ]);
      },
      { timeout: 20_000, interval: 200 },
    );
  });
});

/** `up` and its like, which vmagent adds to each target beyond the limit. */
const AUTOMATIC = 20;
