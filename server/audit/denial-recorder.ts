/**
 * Audits denials. The first of a kind is written at once; its repeats within a minute are counted and written as one event when the
 * minute is over, so that a script that knocks all night does not bury the log.
 */
import type { Database } from '#server/db/database.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { actorOf, recordEvent, type AuditEntry } from './audit-store.ts';

const WINDOW_MS = 60_000;

export interface DenialRecorder {
  record(context: CallContext, entry: Omit<AuditEntry, 'outcome' | 'repeat_count'>): Promise<void>;
  /** Writes what was counted so far; call before the database closes. */
  close(): Promise<void>;
}

export function createDenialRecorder(db: Database, onError: (error: unknown) => void): DenialRecorder {
  const open = new Map<
    string,
    { repeats: number; context: CallContext; entry: Omit<AuditEntry, 'outcome'>; timer: NodeJS.Timeout }
  >();
  const write = async (key: string) => {
    const window = open.get(key);
    if (!window) return;
    clearTimeout(window.timer);
    open.delete(key);
    if (window.repeats > 0)
      await recordEvent(db, window.context, {
        ...window.entry,
        outcome: 'denied',
        repeat_count: window.repeats,
      }).catch(onError);
  };
  return {
    async record(context, entry) {
      const key = JSON.stringify([
        actorOf(context),
        context.principal ? null : context.ip,
        entry.action,
        entry.target,
        entry.tenant_id,
        entry.environment,
      ]);
      const window = open.get(key);
      if (window) {
        window.repeats++;
        return;
      }
      const timer = setTimeout(() => void write(key), WINDOW_MS).unref();
      open.set(key, { repeats: 0, context, entry, timer });
      await recordEvent(db, context, { ...entry, outcome: 'denied' });
    },
    close: async () => {
      await Promise.all([...open.keys()].map(write));
    },
  };
}
