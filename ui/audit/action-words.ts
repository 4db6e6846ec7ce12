/** Actions of the audit log in words. Most are the id of the endpoint that did them; the rest is what jobs and the system do. */
import { ENDPOINTS } from '#contract/endpoints.ts';
import { sentence } from '#ui/patterns/format.ts';

const OF_THE_SYSTEM: Record<string, string> = {
  'iam.roles.seed': 'Set up a built-in role',
  'iam.login': 'Sign in',
  'iam.logout': 'Sign out',
  'iam.step_up': 'Confirm identity',
  'job.step.started': 'Step started',
  'job.step.succeeded': 'Step done',
  'job.step.failed': 'Step failed',
  'job.step.undo_started': 'Undo started',
  'job.step.undone': 'Step undone',
  'job.step.undo_failed': 'Undo failed',
  'job.step.undo_skipped': 'Undo skipped',
  'job.started': 'Job started',
  'job.succeeded': 'Job succeeded',
  'job.undoing': 'Job goes back',
  'job.stuck': 'Job is stuck',
  'job.failed_rolled_back': 'Job failed, rolled back',
  'job.cancelled_rolled_back': 'Job cancelled, rolled back',
  'job.failed_kept': 'Job failed, what was done stays',
  'job.cancelled_kept': 'Job cancelled, what was done stays',
};

/** Said shorter than the summary of their endpoint. */
const SHORT: Record<string, string> = {
  'iam.users.create': 'Create a user',
  'iam.roles.create': 'Create a role',
  'iam.tokens.create': 'Create an API token',
  'tenants.create': 'Create a tenant',
  'tenants.environments.add': 'Provision a tenant in an environment',
  'iam.me.change_password': 'Change own password',
};

/** What a summary says before its first colon, semicolon or comma: "Suspend a user; ends all of their sessions" → "Suspend a user". */
const firstClause = (summary: string) => summary.split(/[:;,]/, 1)[0] ?? summary;

const OF_ENDPOINTS = new Map(ENDPOINTS.map(({ id, summary }) => [id, firstClause(summary)]));

/** An action in words; one that this build does not know is read out of its name. */
export const actionWords = (action: string): string =>
  OF_THE_SYSTEM[action] ?? SHORT[action] ?? OF_ENDPOINTS.get(action) ?? sentence(action.replaceAll('.', ' '));

/** An event in words: for a step of a job, which one. */
export function eventWords({ action, details }: { action: string; details: unknown }): string {
  const title = (details as { title?: unknown } | null)?.title;
  const words = actionWords(action);
  return action.startsWith('job.step.') && typeof title === 'string' ? `${words}: ${title}` : words;
}

/** Prefixes to filter by: every domain, and every noun with several actions. */
export const ACTION_PREFIXES: readonly string[] = [
  ...new Set(
    [
      ...ENDPOINTS.filter(({ method, permission }) => method !== 'GET' && permission !== 'public').map(
        ({ id }) => id,
      ),
      'job.step.started',
    ].flatMap((id) => {
      const parts = id.split('.');
      return parts.slice(1).map((_, index) => `${parts.slice(0, index + 1).join('.')}.`);
    }),
  ),
].sort();
