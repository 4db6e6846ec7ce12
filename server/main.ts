/** The process: reads what it is told, starts what is missing (PostgreSQL, a simulated platform), listens, and stops it all again. */
import { mkdir } from 'node:fs/promises';
import { createServer } from 'node:net';
import { existsSync, readFileSync } from 'node:fs';
import path from 'node:path';
import pino from 'pino';
import {
  EmbeddedPostgresError,
  startEmbeddedPostgres,
} from '#server/adapters/embedded-postgres/embedded-postgres.ts';
import {
  EmbeddedMetricsError,
  findMetricsPrograms,
  startEmbeddedMetrics,
} from '#server/adapters/embedded-metrics/embedded-metrics.ts';
import { migrateDatabase } from '#server/db/migrate.ts';
import { FirstOwnerError, type FirstOwner } from '#server/iam/bootstrap.ts';
import { PlacementStoreError } from '#server/scale/placement-store.ts';
import { readConfiguration, StartError, type Configuration } from './configuration.ts';
import { createLogger, startControlPlane } from './control-plane.ts';
import { openSignIn } from './open-sign-in.ts';
import { startSimulatedPlatform, type SimulatedPlatform } from './simulated-platform.ts';

/** A first look should not be empty. */
const FIRST_TENANTS = 200;
/** Bytes. */
const MOST_UNWRITTEN_LOG = 1_000_000;
const RULES_FOLDER = path.join(import.meta.dirname, '..', 'stack', 'generated', 'rules');
const UI_FOLDER = path.join(import.meta.dirname, '..', 'dist', 'ui');

const say = (text: string) => process.stdout.write(`${text}\n`);

/** What was started, to be stopped in reverse order. */
const started: { name: string; stop: () => Promise<unknown> }[] = [];
let stopping: Promise<void> | null = null;
const stopAll = () =>
  (stopping ??= (async () => {
    for (const { name, stop } of started.toReversed()) {
      await stop().catch((error: unknown) =>
        process.stderr.write(`${name} did not stop cleanly: ${String(error)}\n`),
      );
    }
  })());

async function main(): Promise<void> {
  const configuration = readConfiguration(process.argv.slice(2), process.env, process.cwd());
  if (configuration.tenants !== null && configuration.environments !== null) {
    throw new StartError(
      '--tenants invents tenants for the simulated platform and is refused where control.yaml names real environments.',
    );
  }
  if (configuration.metrics && configuration.environments !== null) {
    throw new StartError(
      '--metrics watches the simulated platform and is refused where control.yaml names real environments; name their metrics there, under observability.',
    );
  }
  await refuseTakenPort(configuration);
  const embedded = configuration.environments === null || configuration.databaseUrl === null;
  // Otherwise nothing is written to disk, and the file system may be read-only.
  if (embedded) await prepareFolder(configuration.dataDir);
  const logFile = path.join(configuration.dataDir, 'control.log');
  const logger = createLogger(
    configuration.logLevel,
    openLog(embedded ? { dest: logFile, mkdir: true } : { dest: 1 }),
  );

  const [databaseUrl, platform] = await Promise.all([
    openPostgres(configuration),
    openPlatform(configuration),
  ]);
  await migrateDatabase(databaseUrl);
  const plane = await startControlPlane({
    databaseUrl,
    environments: platform.environments,
    nodeToken: platform.nodeToken,
    uiFolder: existsSync(path.join(UI_FOLDER, 'index.html')) ? UI_FOLDER : null,
    trustProxy: configuration.trustProxy,
    requestsPerSecond: configuration.requestsPerSecond,
    shutdownDelayS: configuration.shutdownDelayS,
    owner: configuration.owner,
    signIn: await openSignIn(configuration.signIn, {
      logger,
      port: configuration.port,
      dataDir: embedded ? configuration.dataDir : null,
    }),
    detections: configuration.detections,
    logger,
    gitSha: gitSha(),
  });
  started.push({ name: 'control plane', stop: () => plane.stop() });
  await seed(configuration, plane);
  await plane.app.listen({ host: configuration.host, port: configuration.port });
  announce(configuration, plane.firstOwner, embedded ? logFile : null);
}

/** A log that cannot be written, on a full disk for one, costs lines and nothing else. */
function openLog(where: { dest: string | number; mkdir?: boolean }): pino.DestinationStream {
  // Written at once: what is written later is tried again without end when the disk is full, at the exit too, and the process hangs.
  const log = pino.destination({ ...where, sync: true, maxLength: MOST_UNWRITTEN_LOG });
  log.on('error', () => undefined);
  return log;
}

async function openPostgres({ databaseUrl, dataDir }: Configuration): Promise<string> {
  if (databaseUrl) return databaseUrl;
  const postgres = await startEmbeddedPostgres({ dataDir: path.join(dataDir, 'postgres') });
  started.unshift({ name: 'PostgreSQL', stop: () => postgres.stop() });
  return postgres.url;
}

async function openPlatform(configuration: Configuration) {
  const { environments, dataDir, nodeToken, metrics } = configuration;
  if (environments) return { environments, nodeToken };
  const programs = metrics ? findMetricsPrograms(process.env['PATH'] ?? '') : null;
  const platform = await startSimulatedPlatform(dataDir);
  started.push({ name: 'simulated platform', stop: () => platform.stop() });
  return programs === null ? platform : watchPlatform(configuration, platform, programs);
}

/** The platform with metrics and alerts of each environment, all out of the same servers. */
async function watchPlatform(
  { dataDir, host, port }: Configuration,
  { environments, nodeToken, targetsUrl }: SimulatedPlatform,
  programs: ReturnType<typeof findMetricsPrograms>,
) {
  const metrics = await startEmbeddedMetrics({
    folder: path.join(dataDir, 'metrics'),
    programs,
    targets: {
      platform: { url: targetsUrl, token: nodeToken },
      control: `${['0.0.0.0', '::'].includes(host) ? '127.0.0.1' : host}:${port}`,
      environments: environments.map(({ name }) => name),
    },
    rules: [path.join(RULES_FOLDER, '*.yaml')],
  });
  started.push({ name: 'metrics', stop: () => metrics.stop() });
  const observability = {
    metrics_url: metrics.metricsUrl,
    alerts_url: metrics.alertsUrl,
    targets_url: metrics.targetsUrl,
  };
  return { environments: environments.map((each) => ({ ...each, observability })), nodeToken };
}

async function seed(
  { tenants, environments }: Configuration,
  plane: Awaited<ReturnType<typeof startControlPlane>>,
): Promise<void> {
  const count = tenants ?? (environments === null ? FIRST_TENANTS : 0);
  if (count === 0) return;
  const from = Date.now();
  const added = await plane.seed(count);
  if (added > 0)
    say(`Seeded ${added.toLocaleString('en')} tenants in ${((Date.now() - from) / 1000).toFixed(1)} s.`);
}

/** Said before anything is started, so that nothing has to be stopped again. */
async function refuseTakenPort({ host, port }: Configuration): Promise<void> {
  const probe = createServer();
  await new Promise<void>((resolve, reject) => {
    probe.once('error', reject);
    probe.listen(port, host, resolve);
  }).catch((error: NodeJS.ErrnoException) => {
    if (error.code === 'EADDRINUSE')
      throw new StartError(`Port ${port} is taken; stop what uses it or choose another with PORT.`);
    if (error.code === 'EACCES')
      throw new StartError(`Port ${port} may not be used by this user; choose one above 1023 with PORT.`);
    throw new StartError(`Cannot listen on ${host}:${port}: ${error.message}.`);
  });
  await new Promise((resolve) => probe.close(resolve));
}

async function prepareFolder(dataDir: string): Promise<void> {
  try {
    await mkdir(dataDir, { recursive: true });
  } catch (error) {
    throw new StartError(
      `The data folder ${dataDir} cannot be made (${(error as NodeJS.ErrnoException).code}); choose another with CONTROL_DATA_DIR.`,
    );
  }
}

function announce({ host, port }: Configuration, owner: FirstOwner | null, logFile: string | null): void {
  const shownHost = ['127.0.0.1', '0.0.0.0', '::', '::1'].includes(host) ? 'localhost' : host;
  say(`\nCloudlysis Control is ready: http://${shownHost}:${port}`);
  if (owner) {
    say(
      `Sign in as ${owner.email}${owner.generated ? ` with password ${owner.password}   (shown once)` : ' with the password of CONTROL_OWNER_PASSWORD'}`,
    );
  }
  if (owner?.weakness) say(`That password is weak: ${owner.weakness} Change it after you signed in.`);
  if (logFile) say(`Log: ${path.relative(process.cwd(), logFile) || logFile}`);
}

/** The commit that runs: told where there is no checkout, as in an image. */
function gitSha(): string {
  const told = process.env['CONTROL_GIT_SHA'];
  if (told) return told.slice(0, 12);
  try {
    const git = path.join(import.meta.dirname, '..', '.git');
    const head = readFileSync(path.join(git, 'HEAD'), 'utf8').trim();
    const reference = /^ref: (.+)$/.exec(head)?.[1];
    return (reference ? readFileSync(path.join(git, reference), 'utf8').trim() : head).slice(0, 12);
  } catch {
    return 'unknown';
  }
}

for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) {
  process.on(signal, () => {
    say('\nStopping …');
    void stopAll().then(() => process.exit(0));
  });
}

/** One sentence where somebody can mend it; of what nobody foresaw all that is known. */
function startFailure(error: unknown): string {
  if (
    error instanceof StartError ||
    error instanceof EmbeddedPostgresError ||
    error instanceof EmbeddedMetricsError ||
    error instanceof FirstOwnerError
  )
    return error.message;
  if (error instanceof PlacementStoreError) return `The control plane cannot start: ${error.message}.`;
  return `The control plane could not start: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
}

main().catch(async (error: unknown) => {
  process.stderr.write(`${startFailure(error)}\n`);
  await stopAll();
  process.exit(1);
});
