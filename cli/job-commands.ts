/** `control jobs`: jobs listed, shown, and followed until they have ended. */
import { setTimeout as pause } from 'node:timers/promises';
import { getJob, jobEvents, listJobs, type Job, type JobEvent, type JobListItem } from '#contract/jobs.ts';
import { CommandError, EXIT } from './command-error.ts';
import { callSignedIn, refusal, streamSignedIn } from './control-client.ts';
import { endLine, exitOf, headLines, jobLines, listLines, traceLine } from './job-lines.ts';
import { complain, say, sayJson } from './terminal.ts';

/** A lost stream is asked for again after this long, and given up when nobody has answered for so long. */
const REOPEN_MS = 1_000;
const PATIENCE_MS = 10 * 60_000;

export interface JobFilter {
  state?: string | undefined;
  environment?: string | undefined;
  tenant?: string | undefined;
  limit?: string | undefined;
}

const pathOf = ({ path }: { path: string }, jobId: string): string =>
  path.replace(':job_id', encodeURIComponent(jobId));

/** Prints the newest jobs that fit. */
export async function printJobs(
  { state, environment, tenant, limit = '20' }: JobFilter,
  json: boolean,
): Promise<void> {
  const given = { state, environment, tenant_id: tenant, limit };
  const query = new URLSearchParams(
    Object.entries(given).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
  const answer = await callSignedIn(listJobs.method, `${listJobs.path}?${query}`);
  if (answer.status !== 200) throw refusal(answer);
  if (json) return sayJson(answer.body);
  const { items, next_cursor } = answer.body as { items: JobListItem[]; next_cursor: string | null };
  say(listLines(items));
  if (next_cursor !== null)
    complain(`There are more than these ${items.length}: narrow them, or use --limit.`);
}

async function readJob(jobId: string): Promise<Job> {
  const answer = await callSignedIn(getJob.method, pathOf(getJob, jobId));
  if (answer.status !== 200) throw refusal(answer);
  return answer.body as Job;
}

/** Prints one job with its steps. */
export async function printJob(jobId: string, json: boolean): Promise<void> {
  const job = await readJob(jobId);
  if (json) sayJson(job);
  else say(jobLines(job));
}

/**
 * Prints what happens to a job until it has ended, or is stuck; answers the exit code. Where the connection is lost it goes on after the
 * last event that was printed. With `json` every line is one event as the API sends it.
 */
export async function watchJob(jobId: string, json: boolean): Promise<number> {
  if (!json) say(`${headLines(await readJob(jobId))}\n`);
  let last = '';
  let heardAt = Date.now();
  let lost = false;
  for (;;) {
    try {
      for await (const { id, data } of streamSignedIn(pathOf(jobEvents, jobId), last)) {
        if (lost) complain('Connected again.');
        lost = false;
        heardAt = Date.now();
        const event = JSON.parse(data) as JobEvent;
        if (json) process.stdout.write(`${data}\n`);
        if (event.type === 'trace') {
          last = id;
          if (!json) say(traceLine(event));
          continue;
        }
        const exit = exitOf(event.job.state);
        if (exit === null) continue;
        if (!json) say(`\n${endLine(event.job)}`);
        return exit;
      }
    } catch (error) {
      if (!(error instanceof CommandError) || error.exit !== EXIT.unreachable) throw error;
      if (Date.now() - heardAt > PATIENCE_MS)
        throw new CommandError(
          `${error.message} The job goes on without being watched: control jobs watch ${jobId}`,
          EXIT.unreachable,
        );
      if (!lost) complain('The connection was lost; the job goes on. Connecting again …');
      lost = true;
    }
    await pause(REOPEN_MS);
  }
}
