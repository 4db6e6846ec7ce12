import { createHash, randomBytes, randomUUID } from 'node:crypto';
import type {
  NodeSession,
  NodeSessionChanges,
  NodeSessionList,
  NodeSessionRevokeRequest,
} from '#contract/node.ts';
import { NodeProblemError } from './node-problem.ts';
import type { PlacementSource } from './node-state.ts';
import { fraction, hashText } from './work-rules.ts';

/** Sessions an answer, which keeps it below what the control plane reads. */
const PAGE = 200;
/** Changes that are kept; a reader further behind reads the list again. */
const KEPT_CHANGES = 200_000;
/** Derived sessions of a tenant. */
const MOST_DERIVED = 3;
const HOUR_MS = 3_600_000;
const LIFE_MS = 7 * 24 * HOUR_MS;
const REPORT_SEEN_MS = 60_000;
const USER_AGENTS = [
  'Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Safari/605.1.15',
  'Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Safari/537.36',
  'Mozilla/5.0 (iPhone; CPU iPhone OS 18_1 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.1 Mobile/15E148 Safari/604.1',
  'Mozilla/5.0 (Linux; Android 15; Pixel 9) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/141.0.0.0 Mobile Safari/537.36',
  'Mozilla/5.0 (X11; Linux x86_64; rv:144.0) Gecko/20100101 Firefox/144.0',
];

/** What was changed: a session, or a tenant whose derived sessions began to exist. */
type Change = { session_id: string } | { tenant_id: string };

export interface SignIn {
  tenant_id: string;
  user_id: string;
  ip: string;
  user_agent: string;
}

/**
 * End-user sessions as the gateways of one environment share them. One to three of each tenant are derived from its id, so that many cost
 * nothing; remembered are those that somebody opened by a sign-in, what ended, and which changed when.
 */
export class GatewaySessions {
  readonly #source: PlacementSource;
  readonly #startedAt: number;
  readonly #feed = randomUUID();
  readonly #opened = new Map<string, NodeSession>();
  readonly #openedOf = new Map<string, string[]>();
  readonly #ended = new Map<string, Pick<NodeSession, 'ended_at' | 'ended_reason'>>();
  /** By sha-256 of the token: whose it is, and whether it was used. */
  readonly #refreshTokens = new Map<string, { session_id: string; used: boolean }>();
  #changes: Change[] = [];
  #forgotten = 0;
  #tenantsSeen = 0;

  constructor(source: PlacementSource, startedAt: number) {
    this.#source = source;
    this.#startedAt = startedAt;
  }

  /** One page in the order of the tenants; `cursor` is what the page before answered as `next_cursor`. */
  list(tenant_id: string | null, cursor: string | null): NodeSessionList {
    const { feed, revision } = this.#position();
    if (tenant_id !== null) return { feed, revision, items: this.#sessionsOf(tenant_id), next_cursor: null };
    const items: NodeSession[] = [];
    const mirror = this.#source.mirror;
    for (let slot = Number(cursor ?? 0); mirror !== null && slot < mirror.tenantCount; slot += 1) {
      const more = this.#sessionsOf(mirror.tenantAt(slot));
      if (items.length > 0 && items.length + more.length > PAGE)
        return { feed, revision, items, next_cursor: String(slot) };
      items.push(...more);
    }
    return { feed, revision, items, next_cursor: null };
  }

  /** What changed after a revision. Throws NodeProblemError 410 when that is not known. */
  changes(feed: string, since: number): NodeSessionChanges {
    const { feed: current, revision } = this.#position();
    if (feed !== current || since < this.#forgotten || since > revision)
      throw new NodeProblemError(
        410,
        'history_gone',
        'these changes are not kept; read the list of sessions again',
      );
    const changed = new Map<string, NodeSession>();
    let upTo = since;
    while (upTo < revision && changed.size <= PAGE - MOST_DERIVED) {
      const change = this.#changes[upTo - this.#forgotten];
      upTo += 1;
      if (change === undefined) continue;
      const touched =
        'tenant_id' in change ? this.#derivedOf(change.tenant_id) : [this.find(change.session_id)];
      for (const session of touched) if (session) changed.set(session.session_id, session);
    }
    return { feed, revision: upTo, items: [...changed.values()], more: upTo < revision };
  }

  /** Ends sessions with their families; answers how many ended by this. `now`, here and below: the time of day of the gateway that is asked. */
  revoke(request: NodeSessionRevokeRequest, now: number): number {
    const ids =
      'session_ids' in request
        ? request.session_ids
        : this.#sessionsOf(request.tenant_id)
            .filter(({ user_id }) => request.user_id === undefined || user_id === request.user_id)
            .map(({ session_id }) => session_id);
    return ids.filter((session_id) => this.#end(session_id, 'revoked', now)).length;
  }

  find(session_id: string): NodeSession | undefined {
    const opened = this.#opened.get(session_id);
    if (opened !== undefined) return { ...opened, ...this.#ended.get(session_id) };
    const tenant_id = /^ses-(.+)-\d$/.exec(session_id)?.[1];
    return tenant_id === undefined
      ? undefined
      : this.#derivedOf(tenant_id).find((session) => session.session_id === session_id);
  }

  /** The session if it may be used now; its use is noted. */
  use(session_id: string, now: number): NodeSession | undefined {
    const session = this.find(session_id);
    if (session === undefined || !isLive(session, now)) return undefined;
    const opened = this.#opened.get(session_id);
    if (opened !== undefined && now - Date.parse(opened.last_seen_at) >= REPORT_SEEN_MS) {
      opened.last_seen_at = new Date(now).toISOString();
      this.#record({ session_id });
    }
    return session;
  }

  /** A new session and the first refresh token of its family. */
  open(
    { tenant_id, user_id, ip, user_agent }: SignIn,
    now: number,
  ): { session: NodeSession; refresh_token: string } {
    if (!this.#knows(tenant_id))
      throw new NodeProblemError(404, 'not_found', `no tenant ${tenant_id} is served here`);
    const opened_at = new Date(now).toISOString();
    const session_id = randomUUID();
    const session: NodeSession = {
      session_id,
      family_id: randomUUID(),
      tenant_id,
      user_id,
      created_at: opened_at,
      last_seen_at: opened_at,
      expires_at: new Date(now + LIFE_MS).toISOString(),
      ip,
      user_agent,
      ended_at: null,
      ended_reason: null,
    };
    this.#opened.set(session_id, session);
    this.#openedOf.set(tenant_id, [...(this.#openedOf.get(tenant_id) ?? []), session_id]);
    this.#record({ session_id });
    return { session, refresh_token: this.#nextRefreshToken(session_id) };
  }

  /**
   * Takes a refresh token for the next one of its family. One that was used before ends the session: either its owner or who has copied it
   * shows it now, and nobody knows which. Undefined when it opens nothing (any more).
   */
  refresh(refresh_token: string, now: number): { session: NodeSession; refresh_token: string } | undefined {
    const token = this.#refreshTokens.get(hashOf(refresh_token));
    if (token === undefined) return undefined;
    if (token.used) {
      this.#end(token.session_id, 'refresh_token_reused', now);
      return undefined;
    }
    const session = this.use(token.session_id, now);
    if (session === undefined) return undefined;
    token.used = true;
    return { session, refresh_token: this.#nextRefreshToken(token.session_id) };
  }

  signOut(session_id: string, now: number): void {
    this.#end(session_id, 'signed_out', now);
  }

  #nextRefreshToken(session_id: string): string {
    const token = randomBytes(32).toString('base64url');
    this.#refreshTokens.set(hashOf(token), { session_id, used: false });
    return token;
  }

  #end(session_id: string, ended_reason: NodeSession['ended_reason'], now: number): boolean {
    const session = this.find(session_id);
    if (session === undefined || !isLive(session, now)) return false;
    this.#ended.set(session_id, { ended_at: new Date(now).toISOString(), ended_reason });
    this.#record({ session_id });
    return true;
  }

  #record(change: Change): void {
    this.#changes.push(change);
    if (this.#changes.length <= 2 * KEPT_CHANGES) return;
    this.#forgotten += this.#changes.length - KEPT_CHANGES;
    this.#changes = this.#changes.slice(-KEPT_CHANGES);
  }

  #position(): { feed: string; revision: number } {
    const mirror = this.#source.mirror;
    for (; mirror !== null && this.#tenantsSeen < mirror.tenantCount; this.#tenantsSeen += 1)
      this.#record({ tenant_id: mirror.tenantAt(this.#tenantsSeen) });
    return { feed: this.#feed, revision: this.#forgotten + this.#changes.length };
  }

  #knows(tenant_id: string): boolean {
    const mirror = this.#source.mirror;
    return mirror !== null && mirror.cellAt('aggregate', tenant_id, mirror.head) !== null;
  }

  #sessionsOf(tenant_id: string): NodeSession[] {
    const opened = (this.#openedOf.get(tenant_id) ?? []).flatMap((session_id) => this.find(session_id) ?? []);
    return [...this.#derivedOf(tenant_id), ...opened];
  }

  #derivedOf(tenant_id: string): NodeSession[] {
    if (!this.#knows(tenant_id)) return [];
    const count = 1 + Math.floor(MOST_DERIVED * fraction(tenant_id, 7));
    const iso = (hours: number): string => new Date(this.#startedAt + hours * HOUR_MS).toISOString();
    return Array.from({ length: count }, (_, index) => {
      const hash = hashText(`${tenant_id}/${index}`);
      const session_id = `ses-${tenant_id}-${index}`;
      return {
        session_id,
        family_id: `fam-${hash.toString(16)}`,
        tenant_id,
        user_id: `user-${hash % 10_000}`,
        created_at: iso(-1 - (hash % 48)),
        last_seen_at: iso(-(hash % 60) / 60),
        expires_at: iso(24 * 7),
        ip: `203.0.113.${hash % 256}`,
        user_agent: USER_AGENTS[hash % USER_AGENTS.length] ?? '',
        ended_at: null,
        ended_reason: null,
        ...this.#ended.get(session_id),
      };
    });
  }
}

const isLive = ({ ended_at, expires_at }: NodeSession, now: number): boolean =>
  ended_at === null && Date.parse(expires_at) > now;

const hashOf = (token: string): string => createHash('sha256').update(token).digest('base64url');
