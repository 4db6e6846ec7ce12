/**
 * Deletes streams and buckets of archived tenants when their time is over. Every replica sweeps; the lock on a row keeps two of them from
 * the same resource. A deletion that is not written down, because the replica died, is found done by the next sweep.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { WatchLog } from './placement-watcher.ts';
import { lockDue, settleRetired } from './retired-resource-store.ts';
import { environmentOf, type ScaleDependencies } from './scale-settings.ts';

const EVERY_MS = 60_000;

export function startResourceSweeper(
  dependencies: Pick<ScaleDependencies, 'db' | 'environments'>,
  { log, every_ms = EVERY_MS }: { log: WatchLog; every_ms?: number },
): { stop: () => Promise<void> } {
  const stopping = new AbortController();
  const { db, environments } = dependencies;

  /** Answers the environment that was swept, or null when nothing is due. */
  function sweepOne(
    except: readonly string[],
  ): Promise<{ environment: string; failure: string | null } | null> {
    return db.transaction().execute(async (tx) => {
      const due = await lockDue(tx, except);
      if (due === null) return null;
      const { environment, kind, name, tenant_id } = due;
      const store = environmentOf(dependencies, environment)?.tenant_resources?.store;
      if (!store) return { environment, failure: 'it is not configured with NATS any more' };
      try {
        const outcome = await store.deleteRetired({ kind, name }, tenant_id);
        await settleRetired(tx, due, outcome);
        log.info(
          { environment, kind, name, tenant_id, outcome },
          'the retention of a tenant resource is over',
        );
        return { environment, failure: null };
      } catch (error) {
        return { environment, failure: error instanceof Error ? error.message : String(error) };
      }
    });
  }

  async function sweep(): Promise<void> {
    const failed: string[] = [];
    while (!stopping.signal.aborted) {
      const swept = await sweepOne(failed);
      if (swept === null) return;
      if (swept.failure === null) continue;
      failed.push(swept.environment);
      log.warn(swept, 'resources of archived tenants cannot be deleted; tried again later');
    }
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await sweep().catch((error: unknown) =>
        log.warn({ error: String(error) }, 'the sweep of retired resources broke off'),
      );
      await pause(every_ms, undefined, { signal: stopping.signal, ref: false }).catch(() => undefined);
    }
  }
  const running = environments.some(({ tenant_resources }) => tenant_resources) ? run() : Promise.resolve();
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
