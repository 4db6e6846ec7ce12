import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { nkeys } from '@nats-io/transport-node';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { stringify } from 'yaml';
import { readConfiguration, StartError } from './configuration.ts';

describe('NATS in control.yaml', () => {
  let folder: string;
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'configuration-'));
    writeFileSync(join(folder, 'seed.nk'), Buffer.from(nkeys.createUser().getSeed()));
    writeFileSync(join(folder, 'nonsense'), 'top secret nonsense');
  });
  afterAll(() => rmSync(folder, { recursive: true }));

  const nodes = [{ node_id: 'n1', kind: 'aggregate', url: 'http://127.0.0.1:1', shards: ['agg-1'] }];
  const environment = (fields: object, name = 'prod') => ({ name, nodes, ...fields });

  function read(environments: object[], env: NodeJS.ProcessEnv = {}) {
    writeFileSync(join(folder, 'control.yaml'), stringify({ environments }));
    return readConfiguration([], env, folder);
  }
  function complaint(environments: object[], env: NodeJS.ProcessEnv = {}): string {
    try {
      read(environments, env);
    } catch (error) {
      if (error instanceof StartError) return error.message;
      throw error;
    }
    return 'none';
  }
  const servers = ['nats://one:4222'];
  const placement = { nats: {} };

  it('is read with its bucket, credentials and certificates', () => {
    const nats = { servers, credentials: { nkey_file: join(folder, 'seed.nk') } };
    const bucket = { bucket: 'PLACES', replicas: 3, history: 20 };
    const [first] = read([environment({ placement: { nats: bucket }, nats })]).environments ?? [];
    expect(first).toMatchObject({ nats, placement: { nats: bucket } });
  });

  it.each<[string, object, string]>([
    ['placements nowhere', { placement: {} }, '/environments/0/placement needs one of file and nats'],
    [
      'a bucket without servers',
      { placement },
      '/environments/0/placement/nats needs the servers in /environments/0/nats',
    ],
    [
      'an unknown setting',
      { placement, nats: { servers, password: 'secret' } },
      '/environments/0/nats/password is not a known setting',
    ],
    [
      'credentials in an address',
      { placement, nats: { servers: ['nats://user:secret@one:4222'] } },
      '/environments/0/nats/servers/0 holds credentials; name a file or variable in /environments/0/nats/credentials',
    ],
    [
      'two kinds of credentials',
      { placement, nats: { servers, credentials: { user: 'a', nkey_file: 'b' } } },
      '/environments/0/nats/credentials needs one of creds_file, nkey_file and user',
    ],
    [
      'a user without a password',
      { placement, nats: { servers, credentials: { user: 'a' } } },
      '/environments/0/nats/credentials/user needs its password by one of password_env and password_file',
    ],
    [
      'a variable that is not set',
      { placement, nats: { servers, credentials: { user: 'a', password_env: 'NATS_PASS' } } },
      '/environments/0/nats/credentials/password_env names NATS_PASS, which is not set',
    ],
    [
      'a file that is not there',
      { placement, nats: { servers, credentials: { creds_file: '/nowhere/prod.creds' } } },
      '/environments/0/nats/credentials/creds_file names /nowhere/prod.creds, which cannot be read (ENOENT)',
    ],
    [
      'a certificate without its key',
      { placement, nats: { servers, tls: { cert_file: '/nowhere/cert.pem' } } },
      '/environments/0/nats/tls needs cert_file and key_file together',
    ],
    [
      'an IP address, which no certificate names',
      { placement, nats: { servers: ['tls://10.0.0.1:4222'] } },
      '/environments/0/nats/servers/0 is an IP address; TLS needs the name that the certificate is for',
    ],
    [
      'resources without servers',
      { placement: { file: 'x' }, tenant_resources: {} },
      '/environments/0/tenant_resources needs the servers in /environments/0/nats',
    ],
    [
      'a stream that all tenants would share',
      {
        placement,
        nats: { servers },
        tenant_resources: { streams: [{ name: 'events', subjects: ['tenant.{tenant_id}.>'] }] },
      },
      '/environments/0/tenant_resources/streams/0/name needs {tenant_id} once, and otherwise letters, digits, - and _',
    ],
    [
      'subjects that all tenants would share',
      {
        placement,
        nats: { servers },
        tenant_resources: { streams: [{ name: '{tenant_id}-events', subjects: ['tenant.events.>'] }] },
      },
      '/environments/0/tenant_resources/streams/0/subjects/0 needs {tenant_id} as one of its parts, such as tenant.{tenant_id}.events.>',
    ],
    [
      'a bucket declared twice',
      {
        placement,
        nats: { servers },
        tenant_resources: { buckets: [{ name: '{tenant_id}-a' }, { name: '{tenant_id}-a' }] },
      },
      '/environments/0/tenant_resources/buckets/1/name {tenant_id}-a is declared twice',
    ],
    [
      'too many replicas',
      { placement: { nats: { replicas: 9 } }, nats: { servers } },
      '/environments/0/placement/nats/replicas must be <= 5',
    ],
  ])('says what is wrong with %s, and shows no secret', (_what, fields, sentence) => {
    const said = complaint([environment(fields)]);
    expect(said).toContain(sentence);
    expect(said).not.toMatch(/secret/);
  });

  it('does not take another file for a seed or for credentials, and does not show what is in it', () => {
    for (const [kind, what] of [
      ['nkey_file', 'the seed of an nkey of a user (SU…)'],
      ['creds_file', 'a NATS creds file (JWT and seed)'],
    ] as const) {
      const file = join(folder, 'nonsense');
      const nats = { servers, credentials: { [kind]: file } };
      const said = complaint([environment({ placement, nats })]);
      expect(said).toContain(`/environments/0/nats/credentials/${kind} names ${file}, which is not ${what}`);
      expect(said).not.toContain('top secret');
    }
  });

  it('refuses two environments that would share one bucket', () => {
    const same = { placement, nats: { servers } };
    expect(complaint([environment(same, 'staging'), environment(same)])).toContain(
      '/environments/1/placement/nats/bucket TENANT_PLACEMENT is also the one of staging; each environment needs its own',
    );
    expect(
      complaint([
        environment(same, 'staging'),
        environment({ ...same, placement: { nats: { bucket: 'PROD' } } }),
      ]),
    ).toBe('none');
  });
});
