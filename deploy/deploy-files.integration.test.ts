/** Whether Docker and nats-server take the files of this folder, as far as they can say so without starting anything. */
import { spawnSync } from 'node:child_process';
import { copyFileSync, mkdirSync, mkdtempSync, readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';

import { testFolder } from '#server/db/test-database.ts';
import { findDockerClient } from '#tools/docker-client.mjs';
import { natsIsMissing, natsServerVariable } from '#tools/test-nats.ts';

const here = import.meta.dirname;

/** What an operator is asked for. */
const ANSWERS = {
  compose: { CONTROL_OWNER_EMAIL: 'owner@example.com', CADVISOR_IMAGE: 'cadvisor:1' },
  stack: {
    CONTROL_OWNER_EMAIL: 'owner@example.com',
    CONTROL_IMAGE: 'registry.example.com/control:1',
    DOCKER_GROUP_ID: '998',
  },
  'stack.observability': { GRAFANA_URL: 'https://grafana.example.com', CADVISOR_IMAGE: 'cadvisor:1' },
};

function run(command: string, args: string[], env: Record<string, string | undefined> = {}) {
  const { status, stdout, stderr } = spawnSync(command, args, {
    encoding: 'utf8',
    env: { PATH: process.env['PATH'], ...env },
  });
  return { status, stdout, stderr };
}

const client = findDockerClient();
describe.skipIf(client.reason !== undefined)('Docker takes', () => {
  const read = (file: keyof typeof ANSWERS, answers: Record<string, string | undefined>) => {
    const [command = '', ...args] = file === 'compose' ? (client.compose ?? []) : (client.docker ?? []);
    const words =
      file === 'compose'
        ? ['--file', join(here, 'compose.yml'), 'config', '--format', 'json']
        : ['stack', 'config', '--compose-file', join(here, `${file}.yml`)];
    return run(command, [...args, ...words], answers);
  };

  test('compose.yml with all that it includes, in which only the proxy of this host reaches the control plane and Grafana', () => {
    const answer = read('compose', ANSWERS.compose);
    expect(answer.stderr).toBe('');
    expect(answer.status).toBe(0);
    const { services } = JSON.parse(answer.stdout) as { services: Record<string, { ports?: object[] }> };
    expect(
      Object.entries(services).flatMap(([name, { ports }]) => (ports ?? []).map((port) => [name, port])),
    ).toEqual([
      ['control', expect.objectContaining({ host_ip: '127.0.0.1', target: 7070 })],
      ['grafana', expect.objectContaining({ host_ip: '127.0.0.1', target: 3000 })],
    ]);
    expect(Object.keys(services)).toEqual(expect.arrayContaining(['postgres', 'vmagent', 'loki']));
  });

  test('stack.observability.yml, in which no port is published either', () => {
    const answer = read('stack.observability', ANSWERS['stack.observability']);
    expect(answer.stderr).toBe('');
    expect(answer.status).toBe(0);
    expect(answer.stdout).not.toContain('ports:');
  });

  test('stack.yml, in which no port is published', () => {
    const answer = read('stack', ANSWERS.stack);
    expect(answer.stderr).toBe('');
    expect(answer.status).toBe(0);
    expect(answer.stdout).toMatch(/user: "?1000:998"?\n/);
    expect(answer.stdout).not.toContain('ports:');
  });

  test.each([
    ['compose', 'CONTROL_OWNER_EMAIL'],
    ['stack', 'CONTROL_OWNER_EMAIL'],
    ['stack', 'CONTROL_IMAGE'],
    ['stack', 'DOCKER_GROUP_ID'],
    ['compose', 'CADVISOR_IMAGE'],
    ['stack.observability', 'GRAFANA_URL'],
    ['stack.observability', 'CADVISOR_IMAGE'],
  ] as const)('%s.yml only with %s, and says so', (file, variable) => {
    const answer = read(file, { ...ANSWERS[file], [variable]: undefined });
    expect(answer.status).not.toBe(0);
    expect(answer.stderr).toContain(variable);
  });
});

describe.skipIf(natsIsMissing())('nats-server takes', () => {
  test.each(['nats.conf', 'nats-cluster.conf'])('%s with the secrets of make-secrets.sh', (file) => {
    const folder = mkdtempSync(join(testFolder(), 'deploy-nats-'));
    for (const name of ['make-secrets.sh', 'nats.conf', 'nats-cluster.conf'])
      copyFileSync(join(here, name), join(folder, name));
    run(join(folder, 'make-secrets.sh'), []);
    for (const name of ['users.conf', 'routes.conf'])
      copyFileSync(join(folder, 'secrets', `nats_${name}`), join(folder, name));
    const program = process.env[natsServerVariable] ?? '';
    const answer = run(program, ['-t', '--config', join(folder, file)], { NATS_SERVER_NAME: 'host-1' });
    expect(answer.stderr).toMatch(/is valid\s*$/);
    expect(answer.status).toBe(0);
  });
});

test('make-secrets.sh keeps what is there, and makes what fits to it', () => {
  const folder = mkdtempSync(join(testFolder(), 'deploy-secrets-'));
  copyFileSync(join(here, 'make-secrets.sh'), join(folder, 'make-secrets.sh'));
  const secret = (name: string) => readFileSync(join(folder, 'secrets', name), 'utf8');
  mkdirSync(join(folder, 'secrets'));
  writeFileSync(join(folder, 'secrets', 'postgres_password'), 'given\n');
  expect(run(join(folder, 'make-secrets.sh'), []).status).toBe(0);
  expect(secret('postgres_password')).toBe('given\n');
  expect(secret('database_url')).toBe('postgres://control:given@postgres:5432/control');
  expect(secret('node_token')).toMatch(/^[0-9a-f]{48}$/);
  expect(statSync(join(folder, 'secrets')).mode & 0o777).toBe(0o700);

  const first = secret('nats_users.conf');
  expect(run(join(folder, 'make-secrets.sh'), [])).toMatchObject({ status: 0, stdout: '' });
  expect(secret('nats_users.conf')).toBe(first);
});
