/**
 * The real control plane, rehearsing its death: `CONTROL_REHEARSAL` names a file that says at which step or undo the process kills
 * itself, and which step fails after it did its work. The kill happens once: the file is consumed first.
 */
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import type { IncomingMessage, ServerResponse } from 'node:http';
import pino from 'pino';
import { waitUntil } from '#fleet/wait-until.ts';
import { migrateDatabase } from '#server/db/migrate.ts';
import { StepFailure, type JobDefinition, type StepDefinition } from '#server/jobs/job-definition.ts';
import { readConfiguration } from '#server/configuration.ts';
import { createLogger, startControlPlane } from '#server/control-plane.ts';
import { openSignIn } from '#server/open-sign-in.ts';

export interface Rehearsal {
  /** Only jobs of this kind; all of them when absent. */
  kind?: string;
  kill: { step: string; direction: 'run' | 'undo'; when: 'before' | 'after' } | null;
  /** Fails after its work is done, so that everything is undone. */
  fail: string | null;
}

const file = process.env['CONTROL_REHEARSAL'] ?? '';
const rehearsal = (): Rehearsal =>
  existsSync(file) ? (JSON.parse(readFileSync(file, 'utf8')) as Rehearsal) : { kill: null, fail: null };

/** Changes that are being answered now. */
let unanswered = 0;

/** Dies once nobody waits for an answer: who started the job knows its id. */
async function dieIfDue(
  kind: string,
  step: string,
  direction: 'run' | 'undo',
  when: 'before' | 'after',
): Promise<void> {
  const { kill, ...rest } = rehearsal();
  if (
    (rest.kind ?? kind) !== kind ||
    kill?.step !== step ||
    kill.direction !== direction ||
    kill.when !== when
  )
    return;
  writeFileSync(file, JSON.stringify({ ...rest, kill: null } satisfies Rehearsal));
  await waitUntil('every change is answered', () => unanswered === 0);
  process.kill(process.pid, 'SIGKILL');
}

type Step = StepDefinition<Record<string, unknown>>;

const rehearsed = (kind: string, step: Step): Step => {
  const due = (direction: 'run' | 'undo', when: 'before' | 'after') =>
    dieIfDue(kind, step.name, direction, when);
  const wrapped: Step = {
    ...step,
    run: async (context) => {
      await due('run', 'before');
      const output = await step.run(context);
      await due('run', 'after');
      const { fail, kind: only = kind } = rehearsal();
      if (fail === step.name && only === kind)
        throw new StepFailure('rehearsed', 'This step fails on purpose.');
      return output;
    },
  };
  if (step.undo) {
    wrapped.undo = async (context) => {
      await due('undo', 'before');
      await step.undo?.(context);
      await due('undo', 'after');
    };
  }
  return wrapped;
};

const configuration = readConfiguration([], process.env, process.cwd());
const { databaseUrl, environments } = configuration;
if (databaseUrl === null || environments === null)
  throw new Error('A rehearsal needs a database and environments of its own.');
await migrateDatabase(databaseUrl);
const logger = createLogger('warn', pino.destination(2));
const plane = await startControlPlane({
  ...configuration,
  databaseUrl,
  environments,
  signIn: await openSignIn(configuration.signIn, { port: configuration.port, dataDir: null, logger }),
  uiFolder: null,
  logger,
  gitSha: 'rehearsal',
  decorateJob: (definition: JobDefinition) => ({
    ...definition,
    steps: (input) => definition.steps(input).map((step) => rehearsed(definition.kind, step)),
  }),
});
plane.app.server.on('request', (request: IncomingMessage, response: ServerResponse) => {
  if (request.method === 'GET') return;
  unanswered += 1;
  response.once('close', () => (unanswered -= 1));
});
await plane.app.listen({ host: configuration.host, port: configuration.port });
process.stdout.write(`is ready: ${configuration.port}\n`);
process.on('SIGTERM', () => void plane.stop().then(() => process.exit(0)));
