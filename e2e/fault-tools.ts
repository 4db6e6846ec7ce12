/** What the specs of faults share: readers that note every answer, a job followed through broken streams, and how long things took. */
import { test } from '@playwright/test';
import type { JobEvent } from '#contract/jobs.ts';
import type { Problem } from '#contract/problem.ts';
import { waitFor, type Caller, type ControlProcess } from './control-process.ts';

export interface Ready {
  ready: boolean;
  checks: { name: string; ok: boolean; detail: string }[];
}
export const readiness = async ({ url }: Pick<ControlProcess, 'url'>): Promise<Ready> =>
  (await fetch(`${url}/ready`)).json() as Promise<Ready>;

/** What a check of `/ready` says. */
export const checkOf = async (control: Pick<ControlProcess, 'url'>, name: string) => {
  const check = (await readiness(control)).checks.find((each) => each.name === name);
  if (!check) throw new Error(`/ready has no check ${name}`);
  return check;
};

/** An answer as a caller met it; `problem` is null when it went well. */
export interface Met {
  address: string;
  status: number;
  problem: Problem | null;
  retry_after: string | null;
}

/** Reads these addresses in turn, without a pause, until it is stopped; answers every answer that it got. */
export function keepReading(caller: Caller, addresses: readonly string[]) {
  const met: Met[] = [];
  const broken: string[] = [];
  let stopped = false;
  const reading = (async () => {
    for (let turn = 0; !stopped; turn += 1) {
      const address = addresses[turn % addresses.length] ?? '';
      await caller
        .call('GET', address)
        .then(({ status, headers, body }) =>
          met.push({
            address,
            status,
            problem: status < 400 ? null : (body as unknown as Problem),
            retry_after: headers.get('retry-after'),
          }),
        )
        .catch((error: unknown) => broken.push(`${address}: ${String(error)}`));
    }
  })();
  return {
    met,
    /** Requests that got no answer at all. */
    broken,
    stop: async () => {
      stopped = true;
      await reading;
    },
  };
}

/** Follows a job's event stream as a browser does: opened again with the last id whenever it breaks. */
export function followJob({ url }: Pick<ControlProcess, 'url'>, caller: Caller, jobId: string) {
  const sequences: number[] = [];
  const states: string[] = [];
  let streams = 0;
  let broken = 0;
  let left = false;
  const take = (text: string) => {
    const data = /^data: (.*)$/m.exec(text)?.[1];
    if (data === undefined) return;
    const event = JSON.parse(data) as JobEvent;
    if (event.type === 'trace') sequences.push(event.sequence);
    else if (states.at(-1) !== event.job.state) states.push(event.job.state);
  };
  const read = async () => {
    const last = sequences.at(-1);
    const answer = await fetch(`${url}/admin/v1/jobs/${jobId}/events`, {
      headers: { cookie: caller.cookie, ...(last !== undefined && { 'last-event-id': String(last) }) },
    });
    if (!answer.ok || !answer.body) throw new Error(`the stream was answered with ${answer.status}`);
    streams += 1;
    let text = '';
    for await (const chunk of answer.body.pipeThrough(new TextDecoderStream())) {
      text += chunk;
      const events = text.split('\n\n');
      text = events.pop() ?? '';
      events.forEach(take);
    }
    if (!ended()) broken += 1;
  };
  const ended = () =>
    ['succeeded', 'failed_rolled_back', 'cancelled_rolled_back', 'failed_kept', 'cancelled_kept'].includes(
      states.at(-1) ?? '',
    );
  const following = (async () => {
    while (!left && !ended()) {
      await read().catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  })();
  return {
    sequences,
    states,
    /** How often a stream was opened. */
    streams: () => streams,
    /** How often one ended before the job did. */
    broken: () => broken,
    ended: () => following,
    leave: () => (left = true),
  };
}

/** Waits for it and notes with the test how long that took. */
export async function timed<T>(what: string, wait: () => Promise<T>): Promise<T> {
  const began = performance.now();
  const value = await wait();
  test.info().annotations.push({ type: what, description: `${Math.round(performance.now() - began)} ms` });
  return value;
}

/** `timed`, for a condition that is looked at again and again. */
export const timedUntil = <T>(
  what: string,
  read: () => Promise<T>,
  accept: (value: T) => boolean,
  withinMs?: number,
) => timed(what, () => waitFor(what, read, accept, withinMs));
