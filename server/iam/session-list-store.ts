/** Our own sessions and those of the Gateways as one list: one statement answers the page and its total. */
import { sql, type RawBuilder } from 'kysely';
import type { Page } from '#contract/common.ts';
import type { Session } from '#contract/iam.ts';
import type { Database, Tx } from '#server/db/database.ts';
import type { AllowedScopes } from '#server/http/call-context.ts';
import { boundedTotal, keysetPage, pageOf, TOTAL_BOUND, type ListRequest } from '#server/http/cursor.ts';
import {
  controlCondition,
  GATEWAY_STATE,
  gatewayCondition,
  type SessionFilter,
} from './session-filter-conditions.ts';
import { SESSION_STATE } from './session-rules.ts';

/** Who looks: the session that asks is marked, and what lies outside the scopes is left out. */
export interface SessionReader {
  currentSessionId: string | null;
  scopes: AllowedScopes;
}

const device = (alias: 's' | 'g') =>
  sql`jsonb_build_object('system', ${sql.ref(`${alias}.device_system`)}, 'browser', ${sql.ref(`${alias}.device_browser`)}) as device`;

/** A session of ours (`s`, of the user `u`), as the contract shows it. */
export const controlSession = (
  currentSessionId: string | null,
) => sql`s.session_id, 'control' as source, s.user_id, u.email as user_email,
  null as end_user_id, null as tenant_id, null as environment, null as gateway_session_id, null as family_id, ${SESSION_STATE} as state,
  s.ended_reason, s.methods, s.ip, s.client, client_network(s.address)::text as network, s.user_agent, ${device('s')},
  coalesce(s.session_id = ${currentSessionId}::uuid, false) as current, s.authenticated_at, s.created_at, s.last_seen_at, s.expires_at,
  s.ended_at, null::timestamptz as observed_at`;

/** A session of a Gateway (`g`, observed by the watch `w`), with the same columns in the same order. */
export const gatewaySession = sql`g.session_id, 'gateway' as source, null::uuid as user_id, null as user_email,
  g.end_user_id, g.tenant_id, g.environment, g.gateway_session_id, g.family_id, ${GATEWAY_STATE} as state,
  g.ended_reason, '{}'::text[] as methods, g.ip, null as client, client_network(g.address)::text as network, g.user_agent, ${device('g')},
  false as current, null::timestamptz as authenticated_at, g.created_at, g.last_seen_at, g.expires_at,
  g.ended_at, w.observed_at`;
const FROM_GATEWAYS = sql`gateway_sessions g left join gateway_session_watch w on w.environment = g.environment`;

/** A page of sessions that fit the filter, ended ones too. */
export async function listSessionRows(
  db: Database,
  filter: SessionFilter & ListRequest,
  reader: SessionReader,
): Promise<Page<Session>> {
  const pageOn = (alias: 's' | 'g') =>
    keysetPage(
      filter,
      {
        created_at: { column: sql.ref(`${alias}.created_at`), type: 'timestamptz' },
        last_seen_at: { column: sql.ref(`${alias}.last_seen_at`), type: 'timestamptz' },
      },
      { column: sql.ref(`${alias}.session_id`), type: 'uuid' },
      '-created_at',
    );
  const [own, gateway] = [pageOn('s'), pageOn('g')];
  const ownFits = controlCondition(filter, reader.scopes);
  const gatewayFits = gatewayCondition(filter, reader.scopes);
  // Each source gives what the page could need of it, in order and off its index; the page is the first of both.
  const rows = [
    ...(ownFits
      ? [
          sql`(select ${controlSession(reader.currentSessionId)} from sessions s join users u using (user_id)
          where ${ownFits} and ${own.condition} order by ${own.orderBy} limit ${own.limit + 1})`,
        ]
      : []),
    ...(gatewayFits
      ? [
          sql`(select ${gatewaySession} from ${FROM_GATEWAYS}
          where ${gatewayFits} and ${gateway.condition} order by ${gateway.orderBy} limit ${gateway.limit + 1})`,
        ]
      : []),
  ];
  if (rows.length === 0) return { items: [], next_cursor: null, total: boundedTotal(0) };
  const counted = [
    ...(ownFits ? [sql`(select from sessions s where ${ownFits} limit ${TOTAL_BOUND + 1})`] : []),
    ...(gatewayFits
      ? [sql`(select from gateway_sessions g where ${gatewayFits} limit ${TOTAL_BOUND + 1})`]
      : []),
  ];
  const key = own.sort.endsWith('last_seen_at') ? 'last_seen_at' : 'created_at';
  const direction = sql.raw(own.sort.startsWith('-') ? 'desc' : 'asc');
  // The comment keeps the statement from being prepared: which index is right depends on the values of the filter.
  const answer = await sql<Session & { total: number }>`/* planned for its values */
    with page as (select * from (${union(rows)}) both_sources order by ${sql.ref(key)} ${direction}, session_id ${direction} limit ${own.limit + 1}),
      total as (select count(*) from (${union(counted)}) counted)
    select page.*, total.count as total from total left join page on true order by page.${sql.ref(key)} ${direction}, page.session_id ${direction}`.execute(
    db,
  );
  const items = answer.rows.filter(({ session_id }) => session_id !== null);
  return {
    ...pageOf(items, own, (row) => [row[key], row.session_id]),
    total: boundedTotal(answer.rows[0]?.total ?? 0),
  };
}

const union = (parts: readonly RawBuilder<unknown>[]) => sql.join(parts, sql` union all `);

/** One session of a Gateway within the scopes; undefined when there is none. */
export async function findGatewaySession(
  db: Database | Tx,
  sessionId: string,
  scopes: AllowedScopes,
): Promise<Session | undefined> {
  const { rows } = await sql<Session>`select ${gatewaySession} from ${FROM_GATEWAYS}
    where ${gatewayCondition({}, scopes)} and g.session_id = ${sessionId}::uuid`.execute(db);
  return rows[0];
}
