/** The generated configuration in a real Alertmanager: who is told of what. */
import { mkdtempSync, writeFileSync } from 'node:fs';
import { type Server } from 'node:http';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';

import { testFolder } from '#server/db/test-database.ts';
import { findAlertmanager } from '#tools/prometheus-programs.mjs';
import { freeAddress, startTestProgram, startTestServer, type TestProgram } from '#tools/test-program.ts';
import { alertmanagerFiles } from './alertmanager-files.ts';

interface Notification {
  receiver: string;
  status: string;
  alerts: { status: string; labels: Record<string, string> }[];
}

const alertmanager = findAlertmanager();
const gateway = { env: 'prod', service: 'gateway' };
const PAGER_PATH = '/page/with-a-secret';

describe.skipIf(!('command' in alertmanager))('Alertmanager', () => {
  const told: (Notification & { path: string })[] = [];
  let receiver: Server;
  let program: TestProgram;
  let url = '';

  beforeAll(async () => {
    const folder = mkdtempSync(join(testFolder(), 'alertmanager-'));
    const listening = await startTestServer((request, response) => {
      const chunks: Buffer[] = [];
      request.on('data', (chunk: Buffer) => chunks.push(chunk));
      request.on('end', () => {
        const notification = JSON.parse(Buffer.concat(chunks).toString()) as Notification;
        told.push({ path: request.url ?? '', ...notification });
        response.end();
      });
    });
    receiver = listening.server;
    for (const [name, path] of Object.entries({
      page: PAGER_PATH,
      ticket: '/ticket',
      watchdog: '/watchdog',
    })) {
      writeFileSync(join(folder, `alert_${name}_url`), `http://${listening.address}${path}`);
    }
    const [config = ''] = Object.values(alertmanagerFiles());
    const file = join(folder, 'alertmanager.yaml');
    // As generated, but for where the secrets are, and for the patience.
    writeFileSync(
      file,
      config
        .replaceAll('/run/secrets/', `${folder}/`)
        .replaceAll(/(group_(?:wait|interval)): \w+/g, '$1: 1s'),
    );
    const address = await freeAddress();
    url = `http://${address}`;
    program = await startTestProgram(
      [
        ...('command' in alertmanager ? alertmanager.command : []),
        `--config.file=${file}`,
        `--storage.path=${join(folder, 'data')}`,
        `--web.listen-address=${address}`,
        '--cluster.listen-address=',
      ],
      `${url}/-/ready`,
    );
  });

  afterAll(async () => {
    await program.stop();
    receiver.close();
  });

  const raise = async (...alerts: Record<string, string>[]): Promise<void> => {
    const body = JSON.stringify(alerts.map((labels) => ({ labels })));
    const headers = { 'content-type': 'application/json' };
    const { status } = await fetch(`${url}/api/v2/alerts`, { method: 'POST', headers, body });
    expect(status).toBe(200);
  };
  const namesAt = (path: string): string[] =>
    told
      .filter((each) => each.path === path)
      .flatMap(({ alerts }) => alerts.map(({ labels }) => labels['alertname'] ?? ''));
  const eventually = (assertion: () => void): Promise<void> =>
    vi.waitFor(assertion, { timeout: 15_000, interval: 50 });

  it('tells the pager of a page, the tickets of a ticket, and each at the address from its file', async () => {
    await raise(
      { alertname: 'StoreUnwritable', severity: 'page', ...gateway, instance: 'gateway.1' },
      { alertname: 'KilledForMemory', severity: 'ticket', env: 'prod', instance: 'host-1' },
      { alertname: 'Watchdog', severity: 'info' },
    );
    await eventually(() => {
      expect(namesAt(PAGER_PATH)).toContain('StoreUnwritable');
      expect(namesAt('/ticket')).toContain('KilledForMemory');
      expect(namesAt('/watchdog')).toContain('Watchdog');
    });
    expect(namesAt('/ticket')).not.toContain('StoreUnwritable');
    expect(program.log()).not.toContain(PAGER_PATH);
  });

  it('tells of a node that is down, but not that it is slow and not ready, which is the same trouble', async () => {
    const node = { ...gateway, instance: 'gateway.2' };
    await raise({ alertname: 'ServiceDown', severity: 'page', job: 'gateway', ...node });
    await eventually(() => expect(namesAt(PAGER_PATH)).toContain('ServiceDown'));
    await raise(
      { alertname: 'NodeNotReady', severity: 'page', ...node },
      { alertname: 'LatencyHigh', severity: 'ticket', ...gateway },
      // Elsewhere it says something new.
      { alertname: 'LatencyHigh', severity: 'ticket', env: 'staging', service: 'gateway' },
      { alertname: 'NodeNotReady', severity: 'page', ...gateway, instance: 'gateway.3' },
    );
    await eventually(() => {
      expect(namesAt('/ticket')).toContain('LatencyHigh');
      expect(namesAt(PAGER_PATH)).toContain('NodeNotReady');
    });
    const about = told.flatMap(({ alerts }) => alerts.map(({ labels }) => labels));
    expect(about.filter(({ alertname }) => alertname === 'LatencyHigh').map(({ env }) => env)).not.toContain(
      'prod',
    );
    expect(
      about.filter(({ alertname }) => alertname === 'NodeNotReady').map(({ instance }) => instance),
    ).not.toContain('gateway.2');
    const muted = (await (await fetch(`${url}/api/v2/alerts?active=false&inhibited=true`)).json()) as {
      labels: Record<string, string>;
    }[];
    expect(muted.map(({ labels }) => labels['alertname'] ?? '').toSorted()).toEqual([
      'LatencyHigh',
      'NodeNotReady',
    ]);
  });

  it('sends one message for a trouble that several nodes have', async () => {
    await raise(
      ...['a', 'b', 'c'].map((instance) => ({
        alertname: 'StoreNearlyFull',
        severity: 'page',
        env: 'prod',
        service: 'runner',
        instance,
      })),
    );
    await eventually(() => expect(namesAt(PAGER_PATH)).toContain('StoreNearlyFull'));
    const messages = told.filter(({ alerts }) =>
      alerts.some(({ labels }) => labels['alertname'] === 'StoreNearlyFull'),
    );
    expect(messages.map(({ alerts }) => alerts.length)).toEqual([3]);
  });
});
