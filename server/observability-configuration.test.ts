import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { readConfiguration, StartError } from './configuration.ts';
import { observabilityServer } from './observability-configuration.ts';

describe('observability in control.yaml', () => {
  let folder: string;
  let tokenFile: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'configuration-'));
    tokenFile = join(folder, 'token');
    writeFileSync(tokenFile, 'glsa_1\n');
    writeFileSync(join(folder, 'lines'), 'glsa_1\nglsa_2\n');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  function read(observability: object, env: NodeJS.ProcessEnv = {}) {
    const nodes = [{ node_id: 'n1', kind: 'aggregate', url: 'http://127.0.0.1:1' }];
    const environments = [{ name: 'prod', placement: { file: 'placement.db' }, nodes, observability }];
    writeFileSync(join(folder, 'control.yaml'), stringify({ environments }));
    return readConfiguration([], env, folder).environments?.[0]?.observability ?? {};
  }
  function complaint(observability: object, env: NodeJS.ProcessEnv = {}): string {
    try {
      read(observability, env);
    } catch (error) {
      if (error instanceof StartError) return error.message;
      throw error;
    }
    return 'none';
  }

  it('names an address for each part, with a path prefix where one is', () => {
    const addresses = {
      metrics_url: 'http://metrics:8428',
      alerts_url: 'http://vmalert:8880',
      alertmanager_url: 'http://alertmanager:9093',
      targets_url: 'http://vmagent:8429',
      logs_url: 'http://loki:3100',
      grafana_url: 'https://grafana.example.com/team/',
    };
    expect(read(addresses)).toEqual(addresses);
    expect(observabilityServer(read(addresses), 'grafana', {})).toEqual({
      url: 'https://grafana.example.com/team',
      credentials: null,
    });
    expect(observabilityServer(read({}), 'logs', {})).toBeNull();
  });

  it('takes a token from a file at each call, so that a new one is picked up', () => {
    const observability = read({
      grafana_url: 'http://grafana:3000',
      credentials: { grafana: { token_file: tokenFile } },
    });
    const credentials = observabilityServer(observability, 'grafana', {})?.credentials;
    const token = () => (credentials?.kind === 'bearer' ? credentials.token() : null);
    expect(token()).toBe('glsa_1');
    writeFileSync(tokenFile, 'glsa_2\n');
    expect(token()).toBe('glsa_2');
  });

  it('takes a password from a variable', () => {
    const env = { LOKI_PASSWORD: 'hidden' };
    const given = { user: 'control', password_env: 'LOKI_PASSWORD' };
    const observability = read({ logs_url: 'http://loki', credentials: { logs: given } }, env);
    const credentials = observabilityServer(observability, 'logs', env)?.credentials;
    expect(credentials?.kind === 'basic' && [credentials.user, credentials.password()]).toEqual([
      'control',
      'hidden',
    ]);
  });

  const grafana = (given: object) => ({ grafana_url: 'http://g', credentials: { grafana: given } });
  const at = '/environments/0/observability';
  it.each<[string, object, string]>([
    ['an unknown part', { traces_url: 'http://t' }, `${at}/traces_url is not a known setting`],
    [
      'another scheme',
      { metrics_url: 'ftp://secret@metrics' },
      `${at}/metrics_url must match pattern "^https?://"`,
    ],
    [
      'credentials in an address',
      { metrics_url: 'http://user:secret@metrics:8428' },
      `${at}/metrics_url holds credentials; name a variable or file under credentials`,
    ],
    ['no address', { logs_url: 'http://:80:80' }, `${at}/logs_url is no address such as http://host:8428`],
    [
      'a query in an address',
      { logs_url: 'http://loki/?token=secret' },
      `${at}/logs_url has more than an origin and a path`,
    ],
    [
      'a public address alone',
      { grafana_public_url: 'https://g' },
      `${at}/grafana_public_url needs ${at}/grafana_url`,
    ],
    [
      'credentials for nothing',
      { credentials: { logs: { token_env: 'X' } } },
      `${at}/credentials/logs needs the address in ${at}/logs_url`,
    ],
    ['no token', grafana({}), `${at}/credentials/grafana needs one of token_env and token_file`],
    [
      'a token and a user',
      grafana({ user: 'u', token_env: 'X' }),
      `${at}/credentials/grafana/user needs its password by one of password_env and password_file`,
    ],
    [
      'a variable that is not set',
      grafana({ token_env: 'ABSENT' }),
      `${at}/credentials/grafana/token_env names ABSENT, which is not set or empty`,
    ],
    [
      'a file that is not there',
      grafana({ token_file: '/absent' }),
      `${at}/credentials/grafana/token_file names /absent, which cannot be read (ENOENT)`,
    ],
  ])('is refused with %s', (_what, observability, message) => {
    const said = complaint(observability);
    expect(said).toContain(message);
    expect(said).not.toContain('secret');
  });

  it('refuses a file of several lines, and does not show it', () => {
    const said = complaint(grafana({ token_file: join(folder, 'lines') }));
    expect(said).toContain('more than one line of printable ASCII');
    expect(said).not.toContain('glsa_');
  });
});
