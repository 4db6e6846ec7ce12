/**
 * Keeps the index of Gateway sessions equal to the Gateways, in the replica that leads.
 *
 * `live`: the index has everything that the Gateway had at `observed_at`, which is by our clock. `rebuilding`: it is read anew, or catches
 * up. `down`: the Gateway does not answer; the rows stay and say how old they are. The position is moved by compare-and-set in the
 * transaction that writes the rows, so that a leader that has not heard of its end takes nothing in twice. Whoever follows a Gateway also
 * asks it again for the endings that others left unsettled.
 */
import { setTimeout as pause } from 'node:timers/promises';
import type { Database } from '#server/db/database.ts';
import { recordDetection } from './detection-store.ts';
import { settleLeftEndings } from './gateway-endings.ts';
import { GatewayHistoryGoneError, type GatewayAdmin, type GatewayPosition } from './gateway-admin.ts';
import {
  beginGatewayRebuild,
  endGatewayRebuild,
  forgetOtherGateways,
  moveGatewayPosition,
  readGatewayPosition,
  writeGatewayDown,
  writeGatewaySessions,
  type ReusedFamily,
} from './gateway-session-store.ts';

export interface GatewaySessionWatch {
  stop(): Promise<void>;
}

interface WatchOptions {
  db: Database;
  gateways: readonly GatewayAdmin[];
  /** Whether this replica watches; only one does. */
  leads: () => boolean;
  log: { info(fields: object, message: string): void; warn(fields: object, message: string): void };
}

const LOOK_EVERY_MS = 1_000;
const LAST_RETRY_MS = 10_000;

export function startGatewaySessionWatch({ db, gateways, leads, log }: WatchOptions): GatewaySessionWatch {
  const stopping = new AbortController();
  const { signal } = stopping;
  const rest = (ms: number) => pause(ms, undefined, { signal }).catch(() => undefined);

  /** Fills the index of an environment anew. Changes since the first page follow from its position. */
  async function rebuild(gateway: GatewayAdmin, why: string): Promise<void> {
    const { environment } = gateway;
    log.info({ environment, why }, 'the index of gateway sessions is filled anew');
    const { began, followed_until } = await beginGatewayRebuild(db, environment, `is filled anew: ${why}`);
    let first: GatewayPosition | null = null;
    let cursor: string | null = null;
    do {
      signal.throwIfAborted();
      if (!leads()) return;
      const page = await gateway.listSessions(cursor, { signal });
      first ??= { feed: page.feed, revision: page.revision };
      if (page.feed !== first.feed) throw new GatewayHistoryGoneError(environment);
      await noteReuse(
        await writeGatewaySessions(db, environment, page.items, { known: true, followed_until }),
      );
      cursor = page.next_cursor;
    } while (cursor !== null);
    const position = first;
    await db.transaction().execute((tx) => endGatewayRebuild(tx, environment, began, position));
  }

  /** Takes in what changed; answers whether there is more now. */
  async function takeIn(gateway: GatewayAdmin): Promise<boolean> {
    const { environment } = gateway;
    const from = await readGatewayPosition(db, environment);
    if (from === null) {
      await rebuild(gateway, 'it was not whole');
      return true;
    }
    const { items, more, ...to } = await gateway.sessionChanges(from, { signal });
    const reused = await db.transaction().execute(async (tx) => {
      const move = { from, to, read_at: more ? null : from.read_at };
      const moved = await moveGatewayPosition(tx, environment, move);
      if (moved === null) return [];
      return writeGatewaySessions(tx, environment, items, { known: false, ...moved });
    });
    await noteReuse(reused);
    return more;
  }

  async function noteReuse(families: readonly ReusedFamily[]): Promise<void> {
    for (const { session_id, environment, tenant_id, end_user_id, ip } of families) {
      await recordDetection(db, {
        kind: 'token_reuse',
        subject: {
          type: 'session',
          id: session_id,
          label: `${end_user_id} of ${tenant_id} in ${environment}`,
        },
        user_id: null,
        ip,
        measured: 1,
        threshold: 1,
        details: { source: 'gateway', environment, tenant_id, end_user_id },
      });
    }
  }

  async function follow(gateway: GatewayAdmin): Promise<void> {
    const { environment } = gateway;
    let wait = LOOK_EVERY_MS;
    let down = false;
    while (!signal.aborted) {
      try {
        const leading = leads();
        const more = leading && (await takeIn(gateway));
        if (leading && !more) await settleLeft(gateway);
        if (down) log.info({ environment }, 'the gateway answers again');
        down = false;
        wait = LOOK_EVERY_MS;
        if (more) continue;
      } catch (error) {
        if (signal.aborted) return;
        const message = error instanceof Error ? error.message : String(error);
        if (error instanceof GatewayHistoryGoneError) {
          await beginGatewayRebuild(db, environment, message).catch(() => undefined);
          await rest(LOOK_EVERY_MS);
          continue;
        }
        if (!down) log.warn({ environment, error: message }, 'gateway sessions cannot be followed');
        down = true;
        // The database itself may be what is away; readers see by the age of the rows.
        await writeGatewayDown(db, environment, message).catch(() => undefined);
        wait = Math.min(wait * 2, LAST_RETRY_MS);
      }
      await rest(wait);
    }
  }

  /** What cannot be settled now is tried again at the next look; the index is followed all the same. */
  async function settleLeft(gateway: GatewayAdmin): Promise<void> {
    const { environment } = gateway;
    try {
      const settled = await settleLeftEndings(db, gateway, signal);
      if (settled > 0) log.info({ environment, settled }, 'endings of sessions that were left are settled');
    } catch (error) {
      if (!signal.aborted)
        log.warn(
          { environment, error: String(error) },
          'endings of sessions that were left cannot be settled',
        );
    }
  }

  async function forgetOthers(): Promise<void> {
    while (!signal.aborted && !leads()) await rest(LOOK_EVERY_MS);
    const environments = gateways.map(({ environment }) => environment);
    if (!signal.aborted) await forgetOtherGateways(db, environments).catch(() => undefined);
  }

  const running = Promise.all([...gateways.map(follow), forgetOthers()]);
  return {
    stop: async () => {
      stopping.abort();
      await running;
    },
  };
}
