/** Wires one control plane out of its parts. The only file that knows them all; `main.ts` and tests give it its outside world. */
import { setTimeout as pause } from 'node:timers/promises';
import pino, { type Logger } from 'pino';
import type { ServiceKind } from '#contract/placement-record.ts';
import { registerApprovalMetrics } from '#server/approvals/approval-metrics.ts';
import { withApprovals } from '#server/approvals/approval-routes.ts';
import { createGatewayAdminClient } from '#server/adapters/nodes/gateway-admin-client.ts';
import { createNodeAdminClient } from '#server/adapters/nodes/node-admin-client.ts';
import { registerAuditMetrics } from '#server/audit/audit-metrics.ts';
import { auditRoutes } from '#server/audit/audit-routes.ts';
import { createDenialRecorder } from '#server/audit/denial-recorder.ts';
import { openEventTally } from '#server/audit/event-tally.ts';
import { openDatabase, type Database } from '#server/db/database.ts';
import { createApp } from '#server/http/app.ts';
import { countEndedJobs, createHttpMetrics, registerDatabaseMetrics } from '#server/http/http-metrics.ts';
import { createAuthenticator } from '#server/iam/authentication-service.ts';
import type { SignInSettings } from '#server/iam/account-deps.ts';
import { createFirstOwner, seedRoleTemplates } from '#server/iam/bootstrap.ts';
import { registerDetectionMetrics } from '#server/iam/detection-metrics.ts';
import { DEFAULT_DETECTION_THRESHOLDS, type DetectionThresholds } from '#server/iam/detection-rules.ts';
import { startDetectionWatch } from '#server/iam/detection-watch.ts';
import { startGatewaySessionWatch } from '#server/iam/gateway-session-watch.ts';
import { iamRoutes } from '#server/iam/iam-routes.ts';
import { roleOperations } from '#server/iam/role-approval.ts';
import { createNetworkWatch } from '#server/iam/seen-networks.ts';
import { startImpersonationSweeper } from '#server/iam/impersonation-sweeper.ts';
import { revokeMatchingJob } from '#server/iam/session-ending-job.ts';
import { registerSignInMetrics } from '#server/iam/sign-in-metrics.ts';
import type { TokenVerifier } from '#server/iam/token-verifier.ts';
import type { JobDefinition } from '#server/jobs/job-definition.ts';
import { startJobExecutor } from '#server/jobs/job-executor.ts';
import { openJobFeed } from '#server/jobs/job-feed.ts';
import { jobRoutes } from '#server/jobs/job-routes.ts';
import { observabilityRoutes } from '#server/observability/observability-routes.ts';
import { countAnnotations, startRolloutAnnotator } from '#server/observability/rollout-annotator.ts';
import { readShardNodes } from '#server/scale/fleet-store.ts';
import { withOrchestrator } from '#server/scale/node-directory.ts';
import {
  DEFAULT_THRESHOLDS,
  type EnvironmentSettings,
  type NodeSettings,
} from '#server/scale/scale-settings.ts';
import { startResourceSweeper } from '#server/scale/retired-resource-sweeper.ts';
import { migrationOperation } from '#server/scale/migration-approval.ts';
import { scaleJobs } from '#server/scale/scale-jobs.ts';
import { scaleRoutes } from '#server/scale/scale-routes.ts';
import { startScaleWatch, type ScaleWatch } from '#server/scale/scale-watch.ts';
import { seedTenants, type SeedEnvironment } from '#server/tenants/seed-tenants.ts';
import { tenantRoutes } from '#server/tenants/tenant-routes.ts';
import type { EnvironmentConfiguration } from './configuration.ts';
import { openObservability } from './open-observability.ts';
import { openOrchestrator } from './open-orchestrator.ts';
import { openStores } from './open-stores.ts';

export interface ControlPlaneOptions {
  databaseUrl: string;
  environments: readonly EnvironmentConfiguration[];
  nodeToken: string;
  uiFolder: string | null;
  trustProxy: boolean;
  requestsPerSecond: number;
  /** How long a stopping server still serves after `/ready` has said so, for load balancers to turn away. */
  shutdownDelayS: number;
  owner: { email: string; password: string | null };
  signIn: SignInSettings;
  /** From how many on something is suspicious; the defaults, if left out. */
  detections?: DetectionThresholds;
  logger: Logger;
  gitSha: string;
  /** Lets a rehearsal break a job at a chosen step. */
  decorateJob?: (definition: JobDefinition) => JobDefinition;
}

export type ControlPlane = Awaited<ReturnType<typeof startControlPlane>>;

/** Names under which a log line could carry a secret. */
const SECRET_PATHS = [
  'password',
  'new_password',
  'current_password',
  'token',
  'authorization',
  'cookie',
].flatMap((name) => [name, `*.${name}`, `*.*.${name}`]);

export const createLogger = (level: string, destination: pino.DestinationStream): Logger =>
  pino(
    {
      level,
      base: { service: 'control' },
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths: SECRET_PATHS, censor: '[redacted]' },
    },
    destination,
  );

/** Starts everything but the listener. The database must be migrated. */
export async function startControlPlane(options: ControlPlaneOptions) {
  const { logger } = options;
  const database = openDatabase(options.databaseUrl);
  const { db, pool } = database;
  const environments = await Promise.all(
    options.environments.map((environment) =>
      openEnvironment(environment, { db, logger, nodeToken: options.nodeToken }),
    ),
  );
  await Promise.all(environments.map(async ({ directory }) => directory?.refresh()));
  const scale = { db, pool, environments, nodes: createNodeAdminClient({ token: options.nodeToken }) };
  const gateways = environments.map((settings) =>
    createGatewayAdminClient({
      environment: settings.environment,
      gateways: () => settings.nodes.filter(({ kind }) => kind === 'gateway'),
      token: options.nodeToken,
    }),
  );
  const observability = {
    environments: options.environments.map((configured) => openObservability(configured, process.env)),
  };
  await seedRoleTemplates(db);
  const firstOwner = await createFirstOwner(db, options.owner);

  const metrics = createHttpMetrics(options.gitSha);
  registerDatabaseMetrics(metrics.registry, pool);
  const decorate = options.decorateJob ?? ((definition) => definition);
  const watch = startScaleWatch(scale, {
    databaseUrl: options.databaseUrl,
    log: logger,
    registry: metrics.registry,
  });
  const tally = await openEventTally(db, () => watch.leads());
  registerAuditMetrics(metrics.registry, tally);
  registerSignInMetrics(metrics.registry, db, tally);
  registerApprovalMetrics(metrics.registry, db);
  registerDetectionMetrics(metrics.registry, db, tally, () => watch.leads());
  const thresholds = options.detections ?? DEFAULT_DETECTION_THRESHOLDS;
  const detections = startDetectionWatch(db, { thresholds, leads: () => watch.leads(), log: logger });
  const networks = createNetworkWatch(db, thresholds, (error) =>
    logger.error({ err: error }, 'the network of a session or token could not be written down'),
  );
  const gatewaySessions = startGatewaySessionWatch({ db, gateways, leads: () => watch.leads(), log: logger });
  const sweeper = startResourceSweeper(scale, { log: logger });
  const impersonations = startImpersonationSweeper(db, logger);
  const annotator = startRolloutAnnotator(observability, {
    db,
    log: logger,
    onTried: countAnnotations(metrics.registry),
  });
  const [executor, feed] = await Promise.all([
    startJobExecutor({
      database,
      definitions: [...scaleJobs(scale), revokeMatchingJob({ db, gateways })].map(decorate),
      log: logger,
      onEnded: countEndedJobs(metrics.registry),
    }),
    openJobFeed(options.databaseUrl),
  ]);
  const denials = createDenialRecorder(db, (error) =>
    logger.error({ err: error }, 'denials could not be recorded'),
  );
  const { tokenVerifier } = options.signIn;
  const authenticator = createAuthenticator(db, tokenVerifier && { verifier: tokenVerifier, log: logger });
  let stopping = false;
  const environmentNames = environments.map(({ environment }) => environment);
  const app = await createApp({
    db,
    authenticator,
    denials,
    onAuthenticated: (context) => networks.saw(context),
    logger,
    metrics,
    uiFolder: options.uiFolder,
    trustProxy: options.trustProxy,
    requestsPerSecond: options.requestsPerSecond,
    routes: withApprovals(
      {
        db,
        environmentNames,
        operations: [migrationOperation(scale), ...roleOperations(db, environmentNames)],
      },
      [
        ...iamRoutes({ db, environmentNames, signIn: options.signIn, gateways }),
        ...tenantRoutes(scale),
        ...scaleRoutes(scale),
        ...observabilityRoutes(observability),
        ...jobRoutes({ db, feed }),
        ...auditRoutes({ db }),
      ],
    ),
    ready: async () => {
      if (stopping) return [{ name: 'server', ok: false, detail: 'is stopping' }];
      const postgres = await pool.query('select 1').then(
        () => ({ ok: true, detail: 'answers' }),
        (error: Error) => ({ ok: false, detail: error.message }),
      );
      return [
        { name: 'postgres', ...postgres },
        { name: 'placement_watcher', ...watch.ready() },
        { name: 'placement_stores', ok: true, detail: describeStores(environments) },
        { name: 'orchestrators', ok: true, detail: watch.orchestrators() },
        { name: 'job_executor', ...executor.ready() },
        ...(tokenVerifier
          ? [{ name: 'token_issuers', ok: true, detail: describeIssuers(tokenVerifier) }]
          : []),
      ];
    },
  });
  return {
    app,
    db,
    firstOwner,
    /** Adds tenants until there are `count`, and waits until the index shows where they are; answers how many were added. */
    seed: async (count: number) => {
      const seeding = environments.map((settings) => seedEnvironment(settings, watch, db));
      const added = await seedTenants(db, seeding, count);
      if (added > 0) await watch.settled();
      return added;
    },
    stop: async () => {
      stopping = true;
      await pause(options.shutdownDelayS * 1000);
      await app.close();
      await executor.stop();
      await Promise.all([detections.stop(), networks.settled()]);
      await Promise.all([
        watch.stop(),
        gatewaySessions.stop(),
        sweeper.stop(),
        impersonations.stop(),
        annotator.stop(),
        feed.close(),
        denials.close(),
      ]);
      await Promise.all(
        environments.map(async ({ store, orchestrator }) => {
          await store.close();
          await orchestrator?.close();
        }),
      );
      await database.close();
    },
  };
}

function seedEnvironment(
  { environment, store }: EnvironmentSettings,
  watch: ScaleWatch,
  db: Database,
): SeedEnvironment {
  return {
    environment,
    shards: async () => {
      await watch.settled();
      const nodes = await readShardNodes(db, [environment]);
      const shardsOf = (service: ServiceKind) =>
        nodes.flatMap((node) => (node.kind === service ? node.shards : []));
      return {
        aggregate: shardsOf('aggregate'),
        projection: shardsOf('projection'),
        runner: shardsOf('runner'),
      };
    },
    putMany: (records) => store.putMany(records),
  };
}

/** Who cannot be asked for keys costs the tokens of that issuer alone, so it is told and does not make the server unready. */
function describeIssuers(verifier: TokenVerifier): string {
  return verifier
    .issuers()
    .map(({ issuer_id, keys, read_at, last_failure }) => {
      const known = read_at === null ? 'keys not read yet' : `keys: ${keys.length}, read ${read_at}`;
      return `${issuer_id} (${known}${last_failure === null ? '' : `; at ${last_failure.at} its JWKS ${last_failure.detail}`})`;
    })
    .join('; ');
}

/** What stands behind each environment; whether it answers is for the watcher of the placements to say. */
function describeStores(environments: readonly EnvironmentSettings[]): string {
  return environments
    .map(({ environment, store }) => {
      const { kind, version, warnings } = store.describe();
      const unsafe = warnings.length === 0 ? '' : ` (warnings: ${warnings.length})`;
      return `${environment} on ${kind}${version === null ? '' : ` ${version}`}${unsafe}`;
    })
    .join('; ');
}

async function openEnvironment(
  configured: EnvironmentConfiguration,
  { db, logger, nodeToken }: { db: Database; logger: Logger; nodeToken: string },
): Promise<EnvironmentSettings> {
  const environment = configured.name;
  const nodes = configured.nodes.map(({ node_id, kind, url, labels }): NodeSettings => ({
    node_id,
    kind,
    url,
    environment,
    labels: labels ?? {},
  }));
  const settings = {
    environment,
    production: configured.production ?? false,
    thresholds: { ...DEFAULT_THRESHOLDS, ...configured.thresholds },
    ...(await openStores(configured, logger)),
  };
  if (configured.orchestrator === undefined) return { ...settings, nodes };
  const orchestrator = await openOrchestrator(environment, configured.orchestrator, nodeToken);
  return withOrchestrator(settings, { db, configured: nodes, orchestrator });
}
