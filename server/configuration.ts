/**
 * What the process is told: `control.yaml` (checked against its schema, every error with its path) and the environment. Secrets come
 * from the environment, or from files that it names. Without a `control.yaml` the embedded mode runs: everything on this machine, nothing to configure.
 */
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Ajv } from 'ajv';
import { Type, type Static } from 'typebox';
import { parseDocument } from 'yaml';
import { Environment, OneOf } from '#contract/common.ts';
import { NODE_KINDS } from '#contract/placement-record.ts';
import type { DetectionThresholds } from '#server/iam/detection-rules.ts';
import { DetectionsSection, readDetectionThresholds } from './detections-configuration.ts';
import {
  NatsConfiguration,
  natsProblems,
  PlacementConfiguration,
  TenantResourcesConfiguration,
} from './nats-configuration.ts';
import { ObservabilityConfiguration, observabilityProblems } from './observability-configuration.ts';
import { OrchestratorConfiguration, orchestratorProblems } from './open-orchestrator.ts';
import {
  BreakGlassSection,
  MailConfiguration,
  PublicUrl,
  readSignInConfiguration,
  SignInSection,
  signInProblems,
  TokenIssuersSection,
  type SignInConfiguration,
} from './sign-in-configuration.ts';

const strict = { additionalProperties: false };

const EnvironmentConfiguration = Type.Object(
  {
    name: Environment,
    production: Type.Optional(Type.Boolean()),
    placement: PlacementConfiguration,
    nats: Type.Optional(NatsConfiguration),
    tenant_resources: Type.Optional(TenantResourcesConfiguration),
    orchestrator: Type.Optional(OrchestratorConfiguration),
    observability: Type.Optional(ObservabilityConfiguration),
    nodes: Type.Array(
      Type.Object(
        {
          node_id: Type.String({ minLength: 1 }),
          kind: OneOf(NODE_KINDS),
          url: Type.String({ pattern: '^https?://[^/]+$', description: 'Origin, without a path' }),
          shards: Type.Optional(Type.Array(Type.String())),
          labels: Type.Optional(Type.Record(Type.String(), Type.String())),
        },
        strict,
      ),
      { description: 'Nodes that no orchestrator runs; may be empty where there is one' },
    ),
    thresholds: Type.Optional(
      Type.Partial(
        Type.Object(
          {
            max_inflight: Type.Integer({ minimum: 0 }),
            max_consumer_lag: Type.Integer({ minimum: 0 }),
            max_storage_used_ratio: Type.Number({ minimum: 0, maximum: 1 }),
            max_tenants_per_shard: Type.Integer({ minimum: 1 }),
            max_moves_per_node: Type.Integer({ minimum: 1, maximum: 100 }),
            max_failed_moves: Type.Integer({ minimum: 1 }),
            drain_timeout_s: Type.Integer({ minimum: 1, maximum: 3600 }),
            node_drain_timeout_s: Type.Integer({ minimum: 1, maximum: 86_400 }),
            ack_timeout_s: Type.Integer({ minimum: 1, maximum: 3600 }),
          },
          strict,
        ),
        strict,
      ),
    ),
  },
  strict,
);
export type EnvironmentConfiguration = Static<typeof EnvironmentConfiguration>;

/** `control.yaml`; docs/deploying.md has a row for each setting. */
export const ConfigurationFile = Type.Object(
  {
    http: Type.Optional(
      Type.Object(
        {
          host: Type.Optional(Type.String()),
          port: Type.Optional(Type.Integer({ minimum: 1, maximum: 65_535 })),
          trust_proxy: Type.Optional(Type.Boolean()),
          public_url: Type.Optional(PublicUrl),
          requests_per_second: Type.Optional(Type.Integer({ minimum: 1 })),
          shutdown_delay_s: Type.Optional(
            Type.Integer({
              minimum: 0,
              maximum: 60,
              description:
                'A stopping server is not ready, but serves for so long, so that load balancers turn away',
            }),
          ),
        },
        strict,
      ),
    ),
    database_url: Type.Optional(
      Type.String({
        pattern: '^postgres(ql)?://',
        description: 'Without it PostgreSQL is run by this process. CONTROL_DATABASE_URL wins.',
      }),
    ),
    mail: Type.Optional(MailConfiguration),
    sign_in: Type.Optional(SignInSection),
    detections: Type.Optional(DetectionsSection),
    break_glass: Type.Optional(BreakGlassSection),
    token_issuers: Type.Optional(TokenIssuersSection),
    environments: Type.Optional(
      Type.Array(EnvironmentConfiguration, {
        minItems: 1,
        description: 'In promotion order. Without it a simulated platform is run by this process.',
      }),
    ),
  },
  strict,
);

export interface Configuration {
  host: string;
  port: number;
  trustProxy: boolean;
  requestsPerSecond: number;
  shutdownDelayS: number;
  dataDir: string;
  /** Null: run PostgreSQL here. */
  databaseUrl: string | null;
  /** Null: run the simulated platform here. */
  environments: EnvironmentConfiguration[] | null;
  /** Bearer token for the nodes of `environments`. */
  nodeToken: string;
  owner: { email: string; password: string | null };
  signIn: SignInConfiguration;
  detections: DetectionThresholds;
  /** Tenants to seed; null: the small default of the embedded mode. */
  tenants: number | null;
  /** Run VictoriaMetrics, vmagent and vmalert beside the simulated platform. */
  metrics: boolean;
  logLevel: string;
}

/** Something that whoever starts the process has to put right; its message is the whole sentence to print. */
export class StartError extends Error {}

const DEFAULT_PORT = 7070;

/** Reads arguments, environment and `control.yaml` (or the file that CONTROL_CONFIG names). Throws StartError with what to mend. */
export function readConfiguration(args: string[], env: NodeJS.ProcessEnv, cwd: string): Configuration {
  const options = readArguments(args);
  const name = path.resolve(cwd, env['CONTROL_CONFIG'] ?? 'control.yaml');
  const file = readFile(name, env['CONTROL_CONFIG'] !== undefined);
  const problems = [
    ...natsProblems(file.environments ?? [], env),
    ...orchestratorProblems(file.environments ?? []),
    ...observabilityProblems(file.environments ?? [], env),
    ...nodeProblems(file.environments ?? []),
    ...signInProblems(file),
  ];
  if (problems.length > 0) throw new StartError(`${name} does not fit: ${problems.join('; ')}.`);
  return {
    host: file.http?.host ?? '127.0.0.1',
    port:
      env['PORT'] === undefined || env['PORT'] === ''
        ? (file.http?.port ?? DEFAULT_PORT)
        : wholeNumber('PORT', env['PORT'], 65_535),
    trustProxy: file.http?.trust_proxy ?? false,
    requestsPerSecond: file.http?.requests_per_second ?? 5_000,
    shutdownDelayS: file.http?.shutdown_delay_s ?? 0,
    dataDir: path.resolve(cwd, env['CONTROL_DATA_DIR'] || '.data'),
    databaseUrl: readSecret('CONTROL_DATABASE_URL', env) ?? file.database_url ?? null,
    environments: file.environments ?? null,
    nodeToken: readSecret('CONTROL_NODE_TOKEN', env) ?? '',
    owner: {
      email: env['CONTROL_OWNER_EMAIL'] || 'owner@cloudlysis.local',
      password: readSecret('CONTROL_OWNER_PASSWORD', env) ?? null,
    },
    signIn: readSignIn(file, env),
    detections: readDetectionThresholds(file.detections),
    tenants: options.tenants === undefined ? null : wholeNumber('--tenants', options.tenants, 1_000_000),
    metrics: options.metrics === true,
    logLevel: env['LOG_LEVEL'] || 'info',
  };
}

function readSignIn(file: Static<typeof ConfigurationFile>, env: NodeJS.ProcessEnv): SignInConfiguration {
  try {
    return readSignInConfiguration(file, (name) => readSecret(name, env));
  } catch (error) {
    if (error instanceof StartError) throw error;
    throw new StartError(`CONTROL_SECRET_KEY: ${error instanceof Error ? error.message : String(error)}.`);
  }
}

/** A variable, or the file that the same name with `_FILE` names, as Docker mounts secrets. What the file holds is never shown. */
function readSecret(name: string, env: NodeJS.ProcessEnv): string | undefined {
  const fileVariable = `${name}_FILE`;
  const file = env[fileVariable];
  if (!file) return env[name] || undefined;
  if (env[name]) throw new StartError(`${name} and ${fileVariable} are both set; keep one of them.`);
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    throw new StartError(`${fileVariable} names ${file}, which cannot be read (${code}).`, { cause: error });
  }
  const secret = text.replace(/\r?\n$/, '');
  if (secret === '') throw new StartError(`${fileVariable} names ${file}, which is empty.`);
  return secret;
}

const nodeProblems = (environments: readonly EnvironmentConfiguration[]): string[] =>
  environments.flatMap(({ nodes, orchestrator }, index) =>
    nodes.length > 0 || orchestrator !== undefined
      ? []
      : [`/environments/${index}/nodes must NOT have fewer than 1 items where there is no orchestrator`],
  );

function readArguments(args: string[]): { tenants?: string | undefined; metrics?: boolean | undefined } {
  const options = { tenants: { type: 'string' }, metrics: { type: 'boolean' } } as const;
  try {
    return parseArgs({ args, options, strict: true }).values;
  } catch (error) {
    throw new StartError(
      `${error instanceof Error ? error.message : String(error)} The options are --tenants N and --metrics.`,
      { cause: error },
    );
  }
}

function wholeNumber(name: string, text: string, most: number): number {
  if (!/^\d+$/.test(text) || Number(text) > most)
    throw new StartError(`${name} must be a whole number from 0 to ${most}, not "${text}".`);
  return Number(text);
}

function readFile(file: string, demanded: boolean): Static<typeof ConfigurationFile> {
  if (!existsSync(file)) {
    if (demanded) throw new StartError(`CONTROL_CONFIG names ${file}, which is not there.`);
    return {};
  }
  const document = parseDocument(readFileSync(file, 'utf8'), { prettyErrors: true });
  const [syntax] = document.errors;
  if (syntax)
    throw new StartError(`${file} is not valid YAML: ${syntax.message.split('\n')[0]?.replace(/:$/, '')}.`);
  const value: unknown = document.toJS() ?? {};
  const validate = new Ajv({ allErrors: true, strict: false }).compile<Static<typeof ConfigurationFile>>(
    ConfigurationFile,
  );
  if (validate(value)) return value;
  const problems = (validate.errors ?? []).map((error) => {
    const where = `${error.instancePath || '/'}${error.keyword === 'additionalProperties' ? `/${String(error.params['additionalProperty'])}`.replace('//', '/') : ''}`;
    return `${where.replace('//', '/')} ${error.keyword === 'additionalProperties' ? 'is not a known setting' : error.message}`;
  });
  throw new StartError(`${file} does not fit: ${problems.join('; ')}.`);
}
