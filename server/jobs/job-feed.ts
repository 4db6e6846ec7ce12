/**
 * Tells who waits for a job that it moved. One connection listens for all; while it is down, and once in a while anyway, everybody
 * looks for themselves, so a lost notification only costs time.
 */
import { EventEmitter, once } from 'node:events';
import pg from 'pg';
import { JOB_CHANNEL } from './job-protocol.ts';

export interface JobFeed {
  /** Yields at once, then whenever the job moved, until the signal aborts. Notifications that come in a burst are one. */
  subscribe(jobId: string, signal: AbortSignal): AsyncIterable<void>;
  close(): Promise<void>;
}

const LOOK_AGAIN_MS = 2_000;
const RECONNECT_MS = 500;
/** Snapshots are at least this far apart. */
const PACE_MS = 60;

export async function openJobFeed(databaseUrl: string): Promise<JobFeed> {
  const moved = new EventEmitter().setMaxListeners(0);
  let client: pg.Client | null = null;
  let closed = false;
  const connect = async (): Promise<void> => {
    const next = new pg.Client({
      connectionString: databaseUrl,
      application_name: 'cloudlysis-control job feed',
    });
    next.on('notification', ({ payload }) => payload && moved.emit(payload));
    next.on('error', () => undefined);
    next.on('end', () => {
      if (!closed) setTimeout(() => void connect().catch(() => undefined), RECONNECT_MS).unref();
    });
    try {
      await next.connect();
      await next.query(`listen ${JOB_CHANNEL}`);
    } catch (error) {
      // One that could not even connect says that it has ended, too: the next one is made there alone.
      await next.end();
      throw error;
    }
    client = next;
  };
  await connect();

  return {
    async *subscribe(jobId, signal) {
      while (!signal.aborted) {
        const change = once(moved, jobId, {
          signal: AbortSignal.any([signal, AbortSignal.timeout(LOOK_AGAIN_MS)]),
        });
        change.catch(() => undefined);
        yield;
        await change.catch(() => undefined);
        if (!signal.aborted) await new Promise((resolve) => setTimeout(resolve, PACE_MS));
      }
    },
    close: async () => {
      closed = true;
      await client?.end();
    },
  };
}
