/**
 * Notices from which networks sessions and API tokens are used. Every request is looked at, in memory; the database is asked in the
 * background, once for each address that one of them comes from.
 */
import { sql } from 'kysely';
import type { Database } from '#server/db/database.ts';
import type { CallContext } from '#server/http/call-context.ts';
import { foreignNetworks, type DetectionThresholds } from './detection-rules.ts';
import { recordDetection } from './detection-store.ts';
import { networkOf } from './ip-networks.ts';

export interface NetworkWatch {
  /** Takes notice of an authenticated call; what is to be written is written in the background. */
  saw(context: CallContext): void;
  /** Resolves when everything is written that was seen. */
  settled(): Promise<void>;
}

/** A network is written again after this time, so that `last_seen_at` is right to it. */
const REMEMBERED_MS = 600_000;
const MOST_REMEMBERED = 50_000;

interface Sighting {
  type: 'session' | 'api_token';
  id: string;
  ip: string;
}

export function createNetworkWatch(
  db: Database,
  thresholds: Pick<DetectionThresholds, 'ip_change' | 'token_new_network'>,
  onError: (error: unknown) => void,
): NetworkWatch {
  /** When each was written last. */
  const written = new Map<string, number>();
  const writing = new Set<Promise<void>>();
  return {
    saw({ principal, ip }) {
      const seen = ip === null ? null : sightingOf(principal, ip);
      if (seen === null) return;
      const key = `${seen.id} ${seen.ip}`;
      const now = performance.now();
      if (now - (written.get(key) ?? -REMEMBERED_MS) < REMEMBERED_MS) return;
      if (written.size >= MOST_REMEMBERED) written.clear();
      written.set(key, now);
      const work = write(db, thresholds, seen)
        .catch((error: unknown) => {
          written.delete(key);
          onError(error);
        })
        .finally(() => writing.delete(work));
      writing.add(work);
    },
    settled: async () => {
      await Promise.all(writing);
    },
  };
}

function sightingOf(principal: CallContext['principal'], ip: string): Sighting | null {
  if (principal?.session) return { type: 'session', id: principal.session.session_id, ip };
  if (principal?.token) return { type: 'api_token', id: principal.token.token_id, ip };
  return null;
}

const write = (
  db: Database,
  thresholds: Pick<DetectionThresholds, 'ip_change' | 'token_new_network'>,
  seen: Sighting,
): Promise<void> =>
  seen.type === 'session' ? writeSession(db, thresholds.ip_change, seen) : writeToken(db, thresholds, seen);

async function writeSession(
  db: Database,
  threshold: DetectionThresholds['ip_change'],
  seen: Sighting,
): Promise<void> {
  const session = await db
    .selectFrom('sessions')
    .innerJoin('users', 'users.user_id', 'sessions.user_id')
    .select(['sessions.ip', 'users.user_id', 'users.email'])
    .where('session_id', '=', seen.id)
    .executeTakeFirst();
  const network = networkOf(seen.ip, threshold);
  if (!session || network === networkOf(session.ip, threshold)) return;
  const networks = await addNetwork(db, seen, network);
  const measured = networks === null ? 0 : foreignNetworks(session.ip, networks);
  if (measured < threshold.networks) return;
  await recordDetection(db, {
    kind: 'ip_change',
    subject: { type: 'session', id: seen.id, label: session.email },
    user_id: session.user_id,
    ip: seen.ip,
    measured,
    threshold: threshold.networks,
    details: { opened_from: session.ip, network },
  });
}

async function writeToken(
  db: Database,
  { ip_change, token_new_network: threshold }: Pick<DetectionThresholds, 'ip_change' | 'token_new_network'>,
  seen: Sighting,
): Promise<void> {
  const network = networkOf(seen.ip, ip_change);
  const networks = await addNetwork(db, seen, network);
  if (networks === null || networks.length <= threshold.networks) return;
  const token = await db
    .selectFrom('api_tokens')
    .select(['name', 'user_id'])
    .where('token_id', '=', seen.id)
    .executeTakeFirstOrThrow();
  await recordDetection(db, {
    kind: 'token_new_network',
    subject: { type: 'api_token', id: seen.id, label: token.name },
    user_id: token.user_id,
    ip: seen.ip,
    measured: networks.length,
    threshold: threshold.networks,
    details: { network },
  });
}

/** Writes the network down; answers all networks when this one is new, else null. */
async function addNetwork(
  db: Database,
  { type, id, ip }: Sighting,
  network: string,
): Promise<string[] | null> {
  const { rows } = await sql<{ added: boolean; before: string[] }>`with seen as (
      insert into seen_networks (subject_type, subject_id, network, ip) values (${type}, ${id}::uuid, ${network}, ${ip})
      on conflict (subject_type, subject_id, network) do update set last_seen_at = now(), ip = excluded.ip
      returning xmax = 0 as added
    )
    select added, array(select network from seen_networks
      where subject_type = ${type} and subject_id = ${id}::uuid and network <> ${network} order by first_seen_at) as before from seen`.execute(
    db,
  );
  const [row] = rows;
  return row?.added ? [...row.before, network] : null;
}
