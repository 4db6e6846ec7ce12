/** A job as it happens: the server's event stream, with polling underneath it while the stream is down. */
import { useEffect, useMemo, useState } from 'react';
import { getJob, jobEvents, LIVE_JOB_STATES, type Job, type JobEvent } from '#contract/jobs.ts';
import { addressOf } from './client.ts';
import { useEndpoint } from './queries.ts';

export type JobTrace = Extract<JobEvent, { type: 'trace' }>;

export interface JobFeed {
  job: Job | undefined;
  /** Audit events of the job, oldest first, each once. */
  trace: readonly JobTrace[];
  /** False while the stream is down and the job is polled instead. */
  connected: boolean;
  /** Why the job could not be read at all. */
  error: Error | null;
}

const POLL_MS = 2_000;
const REOPEN_MS = 5_000;
/** The last trace events may follow the job's last state. */
const LINGER_MS = 2_000;

export const isLiveJob = (job: Pick<Job, 'state'>): boolean =>
  (LIVE_JOB_STATES as readonly string[]).includes(job.state);

/** The trace with one more event: each sequence once, in order, whatever order and how often the stream delivers them. */
export function addTrace(trace: readonly JobTrace[], event: JobTrace): readonly JobTrace[] {
  const last = trace.at(-1);
  if (!last || last.sequence < event.sequence) return [...trace, event];
  if (trace.some(({ sequence }) => sequence === event.sequence)) return trace;
  return [...trace, event].sort((a, b) => a.sequence - b.sequence);
}

interface Stream {
  job_id: string;
  job: Job | undefined;
  trace: readonly JobTrace[];
  connected: boolean;
}

const emptyStream = (job_id: string): Stream => ({ job_id, job: undefined, trace: [], connected: false });

/**
 * Follows a job. The browser resumes a broken stream by itself (`Last-Event-ID`); a stream that the server refused is opened anew.
 * A job that has ended closes the stream for good.
 */
export function useJobEvents(job_id: string): JobFeed {
  const [stream, setStream] = useState(() => emptyStream(job_id));
  const current = stream.job_id === job_id ? stream : emptyStream(job_id);
  const { connected } = current;
  const polled = useEndpoint(
    getJob,
    { params: { job_id } },
    {
      refetchInterval: ({ state }) =>
        !connected && (!state.data || isLiveJob(state.data.data)) ? POLL_MS : false,
    },
  );

  useEffect(() => {
    let source: EventSource | null = null;
    let timer: ReturnType<typeof setTimeout> | undefined;
    let ended = false;
    const update = (change: (before: Stream) => Partial<Stream>) =>
      setStream((before) => {
        const base = before.job_id === job_id ? before : emptyStream(job_id);
        return { ...base, ...change(base) };
      });
    const close = () => source?.close();
    const open = () => {
      source = new EventSource(addressOf(jobEvents, { params: { job_id } }));
      source.addEventListener('open', () => update(() => ({ connected: true })));
      source.addEventListener('job', ({ data }: MessageEvent<string>) => {
        const { job } = JSON.parse(data) as Extract<JobEvent, { type: 'job' }>;
        update(() => ({ job }));
        if (!isLiveJob(job) && !ended) {
          ended = true;
          timer = setTimeout(close, LINGER_MS);
        }
      });
      source.addEventListener('trace', ({ data }: MessageEvent<string>) => {
        const event = JSON.parse(data) as JobTrace;
        update((before) => ({ trace: addTrace(before.trace, event) }));
      });
      source.addEventListener('error', () => {
        if (ended) return close();
        update(() => ({ connected: false }));
        if (source?.readyState === EventSource.CLOSED) timer = setTimeout(open, REOPEN_MS);
      });
    };
    open();
    return () => {
      ended = true;
      clearTimeout(timer);
      close();
    };
  }, [job_id]);

  return useMemo(() => {
    const job = connected ? (current.job ?? polled.data) : newer(polled.data, current.job);
    return { job, trace: current.trace, connected, error: job ? null : polled.error };
  }, [connected, current.job, current.trace, polled.data, polled.error]);
}

/** Of a polled and a streamed snapshot, the one that is further: ended over live, else the polled one, which is read last. */
function newer(polled: Job | undefined, streamed: Job | undefined): Job | undefined {
  if (!polled || !streamed) return polled ?? streamed;
  return isLiveJob(polled) && !isLiveJob(streamed) ? streamed : polled;
}
