/** What `control.yaml` says of an environment's NATS: addresses, TLS, credentials, the bucket of placements, resources of tenants. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import { fromSeed } from '@nats-io/nkeys';
import { Type, type Static } from 'typebox';
import { PLACEMENT_BUCKET } from '#contract/placement-record.ts';
import type { NatsCredentials, NatsSettings } from '#server/adapters/nats/nats-link.ts';
import type { TenantResourceDeclaration } from '#server/scale/tenant-resource-rules.ts';

const strict = { additionalProperties: false };
const File = Type.String({ minLength: 1 });

export const NatsConfiguration = Type.Object(
  {
    servers: Type.Array(
      Type.String({
        pattern: '^(nats|tls)://[^/?#]+$',
        description:
          '`nats://host:port`, or `tls://host:port` for nothing but TLS; any servers of one cluster',
      }),
      { minItems: 1 },
    ),
    tls: Type.Optional(
      Type.Object(
        {
          ca_file: Type.Optional(File),
          cert_file: Type.Optional(File),
          key_file: Type.Optional(File),
        },
        { ...strict, description: 'PEM files; the authority of the servers, and who this client is' },
      ),
    ),
    credentials: Type.Optional(
      Type.Object(
        {
          creds_file: Type.Optional(File),
          nkey_file: Type.Optional(File),
          user: Type.Optional(Type.String({ minLength: 1 })),
          password_env: Type.Optional(Type.String({ minLength: 1 })),
          password_file: Type.Optional(File),
        },
        {
          ...strict,
          description: 'One of: a creds file, the file of an nkey seed, a user and where the password is',
        },
      ),
    ),
    monitoring_urls: Type.Optional(
      Type.Array(Type.String({ pattern: '^https?://[^/@]+$' }), {
        minItems: 1,
        description: 'Monitoring endpoints of the servers, where their setting of fsync can be seen',
      }),
    ),
  },
  strict,
);
export type NatsConfiguration = Static<typeof NatsConfiguration>;

export const PlacementConfiguration = Type.Object(
  {
    file: Type.Optional(
      Type.String({
        minLength: 1,
        description: 'Path of the placement file that this environment’s nodes read',
      }),
    ),
    nats: Type.Optional(
      Type.Object(
        {
          bucket: Type.Optional(Type.String({ pattern: '^[A-Za-z0-9_-]{1,100}$' })),
          replicas: Type.Optional(Type.Integer({ minimum: 1, maximum: 5 })),
          history: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })),
          max_bytes: Type.Optional(Type.Integer({ minimum: 1_000_000 })),
        },
        { ...strict, description: 'The key-value bucket; made with these settings when it is missing' },
      ),
    ),
  },
  strict,
);
type PlacementConfiguration = Static<typeof PlacementConfiguration>;

const resource = {
  name: Type.String({ minLength: 1, maxLength: 200 }),
  replicas: Type.Optional(Type.Integer({ minimum: 1, maximum: 5 })),
  max_bytes: Type.Optional(Type.Integer({ minimum: 1 })),
  max_age_s: Type.Optional(Type.Integer({ minimum: 1 })),
};

export const TenantResourcesConfiguration = Type.Object(
  {
    streams: Type.Optional(
      Type.Array(
        Type.Object(
          { ...resource, subjects: Type.Array(Type.String({ minLength: 1 }), { minItems: 1 }) },
          strict,
        ),
      ),
    ),
    buckets: Type.Optional(
      Type.Array(
        Type.Object(
          { ...resource, history: Type.Optional(Type.Integer({ minimum: 1, maximum: 64 })) },
          strict,
        ),
      ),
    ),
    retention_days: Type.Optional(Type.Integer({ minimum: 1, maximum: 3_650 })),
  },
  {
    ...strict,
    description: 'What each tenant has of its own; {tenant_id} in names and subjects stands for its id',
  },
);
export type TenantResourcesConfiguration = Static<typeof TenantResourcesConfiguration>;

const DEFAULT_RETENTION_DAYS = 30;

/** What the configuration declares, with all that it leaves out. */
export function declarationOf(
  { streams = [], buckets = [], retention_days = DEFAULT_RETENTION_DAYS }: TenantResourcesConfiguration,
  placementReplicas = 1,
): TenantResourceDeclaration {
  const limits = ({ replicas, max_bytes, max_age_s }: Limits) => ({
    replicas: replicas ?? placementReplicas,
    max_bytes: max_bytes ?? -1,
    max_age_s: max_age_s ?? 0,
  });
  return {
    resources: [
      ...streams.map(({ name, subjects, ...given }) => ({
        kind: 'stream' as const,
        name,
        subjects,
        ...limits(given),
      })),
      ...buckets.map(({ name, history = 1, ...given }) => ({
        kind: 'bucket' as const,
        name,
        history,
        ...limits(given),
      })),
    ],
    retention_days,
  };
}
type Limits = { replicas?: number; max_bytes?: number; max_age_s?: number };

interface Environment {
  name: string;
  placement: PlacementConfiguration;
  nats?: NatsConfiguration | undefined;
  tenant_resources?: TenantResourcesConfiguration | undefined;
}

/** What is wrong beyond the schema, each with its path and in a sentence. Reads the files and variables that are named. */
export function natsProblems(environments: readonly Environment[], env: NodeJS.ProcessEnv): string[] {
  const problems: string[] = [];
  const buckets = new Map<string, string>();
  for (const [at, { name, placement, nats, tenant_resources }] of environments.entries()) {
    const path = `/environments/${at}`;
    if ((placement.file === undefined) === (placement.nats === undefined)) {
      problems.push(`${path}/placement needs one of file and nats`);
    }
    if (placement.nats && !nats) problems.push(`${path}/placement/nats needs the servers in ${path}/nats`);
    if (tenant_resources) {
      if (!nats) problems.push(`${path}/tenant_resources needs the servers in ${path}/nats`);
      problems.push(...resourceProblems(tenant_resources, `${path}/tenant_resources`));
    }
    if (!nats) continue;
    problems.push(...connectionProblems(nats, env, `${path}/nats`));
    if (!placement.nats) continue;
    const bucket = placement.nats.bucket ?? PLACEMENT_BUCKET;
    for (const server of nats.servers) {
      const other = buckets.get(`${server} ${bucket}`);
      if (other !== undefined && other !== name) {
        problems.push(
          `${path}/placement/nats/bucket ${bucket} is also the one of ${other}; each environment needs its own`,
        );
        break;
      }
      buckets.set(`${server} ${bucket}`, name);
    }
  }
  return problems;
}

/** Names and subjects that two tenants would share are refused. */
function resourceProblems(
  { streams = [], buckets = [] }: TenantResourcesConfiguration,
  path: string,
): string[] {
  const problems: string[] = [];
  for (const [kind, declared] of Object.entries({ streams, buckets })) {
    const names = new Set<string>();
    for (const [at, { name }] of declared.entries()) {
      const where = `${path}/${kind}/${at}/name`;
      if (!/^[A-Za-z0-9_-]*\{tenant_id\}[A-Za-z0-9_-]*$/.test(name)) {
        problems.push(`${where} needs {tenant_id} once, and otherwise letters, digits, - and _`);
      }
      if (names.has(name)) problems.push(`${where} ${name} is declared twice`);
      names.add(name);
    }
  }
  for (const [at, { subjects }] of streams.entries()) {
    for (const [index, subject] of subjects.entries()) {
      if (subject.split('.').includes('{tenant_id}') && !/\s|\.\.|^\.|\.$/.test(subject)) continue;
      problems.push(
        `${path}/streams/${at}/subjects/${index} needs {tenant_id} as one of its parts, such as tenant.{tenant_id}.events.>`,
      );
    }
  }
  return problems;
}

function connectionProblems(nats: NatsConfiguration, env: NodeJS.ProcessEnv, path: string): string[] {
  const problems: string[] = [];
  const { tls, credentials } = nats;
  for (const [at, server] of nats.servers.entries()) {
    if (server.includes('@')) {
      problems.push(
        `${path}/servers/${at} holds credentials; name a file or variable in ${path}/credentials`,
      );
    } else if (!URL.canParse(server)) {
      problems.push(`${path}/servers/${at} is no address such as nats://host:4222`);
    } else if ((tls || server.startsWith('tls:')) && isIP(new URL(server).hostname.replace(/^\[|\]$/g, ''))) {
      problems.push(`${path}/servers/${at} is an IP address; TLS needs the name that the certificate is for`);
    }
  }
  for (const [name, file] of Object.entries(tls ?? {})) {
    problems.push(...unreadable(file, `${path}/tls/${name}`, isPem, 'a PEM file'));
  }
  if ((tls?.cert_file === undefined) !== (tls?.key_file === undefined)) {
    problems.push(`${path}/tls needs cert_file and key_file together`);
  }
  if (credentials) problems.push(...credentialProblems(credentials, env, `${path}/credentials`));
  return problems;
}

function credentialProblems(
  credentials: NonNullable<NatsConfiguration['credentials']>,
  env: NodeJS.ProcessEnv,
  path: string,
): string[] {
  const { creds_file, nkey_file, user, password_env, password_file } = credentials;
  if ([creds_file, nkey_file, user].filter((given) => given !== undefined).length !== 1) {
    return [`${path} needs one of creds_file, nkey_file and user`];
  }
  const passwords = [password_env, password_file].filter((given) => given !== undefined).length;
  if (user !== undefined && passwords !== 1) {
    return [`${path}/user needs its password by one of password_env and password_file`];
  }
  if (user === undefined && passwords > 0) return [`${path} has a password but no user`];
  if (creds_file !== undefined) {
    return unreadable(creds_file, `${path}/creds_file`, isCreds, 'a NATS creds file (JWT and seed)');
  }
  if (nkey_file !== undefined) {
    return unreadable(nkey_file, `${path}/nkey_file`, isSeed, 'the seed of an nkey of a user (SU…)');
  }
  if (password_env !== undefined) {
    return env[password_env] ? [] : [`${path}/password_env names ${password_env}, which is not set`];
  }
  return unreadable(password_file ?? '', `${path}/password_file`, (text) => text.trim() !== '', 'a password');
}

/** Says that a file cannot be read, or does not hold what it should; what it holds is never shown. */
function unreadable(file: string, path: string, fits: (text: string) => boolean, what: string): string[] {
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    return [`${path} names ${file}, which cannot be read (${(error as NodeJS.ErrnoException).code})`];
  }
  return fits(text) ? [] : [`${path} names ${file}, which is not ${what}`];
}

const isPem = (text: string) => text.includes('-----BEGIN ');
const isCreds = (text: string) => /BEGIN NATS USER JWT/.test(text) && /BEGIN USER NKEY SEED/.test(text);
function isSeed(text: string): boolean {
  try {
    return text.trim().startsWith('SU') && fromSeed(Buffer.from(text.trim())).getPublicKey() !== '';
  } catch {
    return false;
  }
}

/** How to connect; `natsProblems` has found nothing wrong with it. */
export function natsSettings(nats: NatsConfiguration, env: NodeJS.ProcessEnv, name: string): NatsSettings {
  const credentials = credentialsOf(nats, env);
  return {
    servers: nats.servers,
    ...(nats.tls || nats.servers.some((server) => server.startsWith('tls:')) ? { tls: nats.tls ?? {} } : {}),
    ...(credentials ? { credentials } : {}),
    name,
  };
}

function credentialsOf({ credentials }: NatsConfiguration, env: NodeJS.ProcessEnv): NatsCredentials | null {
  if (!credentials) return null;
  const { creds_file, nkey_file, user, password_env, password_file } = credentials;
  if (creds_file !== undefined) return { kind: 'creds_file', path: creds_file };
  if (nkey_file !== undefined) return { kind: 'nkey_file', path: nkey_file };
  const password = () =>
    password_file === undefined
      ? (env[password_env ?? ''] ?? '')
      : readFileSync(password_file, 'utf8').trim();
  return { kind: 'password', user: user ?? '', password };
}
