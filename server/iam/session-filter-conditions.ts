/**
 * A filter over sessions as conditions of SQL: on our own (aliased `s`) and on the index of the Gateways' (aliased `g`). Null where the
 * filter leaves a source out.
 */
import { sql, type RawBuilder } from 'kysely';
import type { SESSION_STATES } from '#contract/iam.ts';
import type { QueryOf } from '#contract/endpoint.ts';
import type { listSessions } from '#contract/iam/sessions.ts';
import type { AllowedScopes } from '#server/http/call-context.ts';
import { ControlError } from '#server/http/control-error.ts';
import { containing, startingWith } from './search-patterns.ts';
import { networkOf } from './session-address-rules.ts';
import { SESSION_LIVE, SESSION_STATE } from './session-rules.ts';

/** `live`: neither ended nor expired. */
export type SessionFilter = Omit<QueryOf<typeof listSessions>, 'limit' | 'cursor' | 'sort' | 'state'> & {
  state?: (typeof SESSION_STATES)[number] | 'live' | undefined;
};

type Condition = RawBuilder<boolean>;
const all = (conditions: readonly Condition[]): Condition =>
  sql<boolean>`${sql.join(conditions, sql` and `)}`;

/** Sessions of Gateways say when they expire, and the Gateway has moved that on with their use. */
export const GATEWAY_STATE = sql<string>`case when g.ended_at is not null then 'revoked' when g.expires_at <= now() then 'expired' else 'active' end`;
export const GATEWAY_LIVE = sql<boolean>`(g.ended_at is null and g.expires_at > now())`;

/** Own sessions are seen, and ended, by whoever may everywhere. */
export function controlCondition(filter: SessionFilter, scopes: AllowedScopes): Condition | null {
  const { user_id, client, end_user_id, tenant_id, environment, source, state, q } = filter;
  if (!scopes.all || source === 'gateway' || (end_user_id ?? tenant_id ?? environment)) return null;
  const conditions = shared('s', filter);
  if (user_id) conditions.push(sql`s.user_id = ${user_id}::uuid`);
  if (client) conditions.push(sql`s.client = ${client}`);
  if (state === 'live') conditions.push(SESSION_LIVE);
  else if (state) conditions.push(sql`${SESSION_STATE} = ${state}`);
  // The users are looked up first and once: joined, each of many thousand sessions would be compared with the pattern.
  if (q) {
    conditions.push(sql`(s.user_id = any(array(select user_id from users where email ilike ${containing(q)}))
      or s.ip like ${startingWith(q)})`);
  }
  return all(conditions);
}

export function gatewayCondition(filter: SessionFilter, scopes: AllowedScopes): Condition | null {
  const { user_id, client, end_user_id, tenant_id, environment, source, state, q } = filter;
  if (source === 'control' || user_id || client || state === 'pending') return null;
  const conditions = shared('g', filter);
  if (!scopes.all) conditions.push(withinScopes(scopes.scopes));
  if (environment) conditions.push(sql`g.environment = ${environment}`);
  if (tenant_id) conditions.push(sql`g.tenant_id = ${tenant_id}`);
  if (end_user_id) conditions.push(sql`g.end_user_id = ${end_user_id}`);
  if (state === 'active' || state === 'live') conditions.push(GATEWAY_LIVE);
  if (state === 'expired') conditions.push(sql`(g.ended_at is null and g.expires_at <= now())`);
  if (state === 'revoked') conditions.push(sql`g.ended_at is not null`);
  if (q) conditions.push(sql`(${beginsWith('end_user_id', q)} or ${beginsWith('ip', q)})`);
  return all(conditions);
}

/** What both tables keep under the same names. */
function shared(table: 's' | 'g', filter: SessionFilter): Condition[] {
  const column = (name: string) => sql.ref(`${table}.${name}`);
  const conditions: Condition[] = [sql`true`];
  if (filter.ip !== undefined) {
    const network = networkOf(filter.ip);
    if (network === null) throw notAnAddress(filter.ip);
    // The borders of the network, so that an index on the column serves networks and single addresses alike.
    conditions.push(sql`${column('address')} between network(${network}::inet)::inet
      and set_masklen(broadcast(${network}::inet), case family(${network}::inet) when 4 then 32 else 128 end)`);
  }
  if (filter.device_system) conditions.push(sql`${column('device_system')} = ${filter.device_system}`);
  if (filter.device_browser) conditions.push(sql`${column('device_browser')} = ${filter.device_browser}`);
  if (filter.created_from)
    conditions.push(sql`${column('created_at')} >= ${filter.created_from}::timestamptz`);
  if (filter.created_to) conditions.push(sql`${column('created_at')} < ${filter.created_to}::timestamptz`);
  if (filter.last_seen_from)
    conditions.push(sql`${column('last_seen_at')} >= ${filter.last_seen_from}::timestamptz`);
  if (filter.last_seen_to)
    conditions.push(sql`${column('last_seen_at')} < ${filter.last_seen_to}::timestamptz`);
  return conditions;
}

/** Spelled out rather than joined, so that the index of the tenant or the environment serves it. */
function withinScopes(
  scopes: readonly { tenant_id: string | null; environment: string | null }[],
): Condition {
  const each = scopes.map(({ tenant_id, environment }) =>
    all([
      ...(tenant_id === null ? [] : [sql<boolean>`g.tenant_id = ${tenant_id}`]),
      ...(environment === null ? [] : [sql<boolean>`g.environment = ${environment}`]),
    ]),
  );
  return each.length === 0 ? sql<boolean>`false` : sql<boolean>`(${sql.join(each, sql` or `)})`;
}

/** A range over a column in byte order, which an index serves: nothing sorts after the last code point. */
const beginsWith = (column: 'end_user_id' | 'ip', text: string): Condition =>
  sql`(${sql.ref(`g.${column}`)} >= ${text} and ${sql.ref(`g.${column}`)} < ${text + '\u{10FFFF}'})`;

const notAnAddress = (ip: string) =>
  new ControlError(
    'validation_failed',
    `${ip} is neither an IP address nor a network such as 203.0.113.0/24.`,
    {
      errors: [{ in: 'query', pointer: '/ip', message: 'must be an IP address or a network in CIDR form' }],
    },
  );
