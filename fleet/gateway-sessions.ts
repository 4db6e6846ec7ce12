import type { NodeSession, NodeSessionList } from '#contract/node.ts';
import type { PlacementSource } from './node-state.ts';
import { fraction, hashText } from './work-rules.ts';

const PAGE = 100;
const HOUR_MS = 3_600_000;
const USER_AGENTS = ['Mozilla/5.0 (Macintosh)', 'Mozilla/5.0 (Windows NT 10.0)', 'Mozilla/5.0 (iPhone)'];

/**
 * End-user sessions as the gateways of one environment share them: one to three a tenant, derived from its id;
 * only what was revoked is remembered.
 */
export class GatewaySessions {
  readonly #source: PlacementSource;
  readonly #startedAt: number;
  readonly #revoked = new Set<string>();

  constructor(source: PlacementSource, startedAt: number) {
    this.#source = source;
    this.#startedAt = startedAt;
  }

  /** One page in the order of the tenants; `cursor` is what the page before answered as `next_cursor`. */
  list(tenant_id: string | null, cursor: string | null): NodeSessionList {
    const mirror = this.#source.mirror;
    if (tenant_id !== null) return { items: this.#sessionsOf(tenant_id), next_cursor: null };
    const items: NodeSession[] = [];
    if (mirror === null) return { items, next_cursor: null };
    for (let slot = Number(cursor ?? 0); slot < mirror.tenantCount; slot += 1) {
      items.push(...this.#sessionsOf(mirror.tenantAt(slot)));
      if (items.length > PAGE - 3) return { items, next_cursor: String(slot + 1) };
    }
    return { items, next_cursor: null };
  }

  /** Revokes one session with its refresh-token family; 0 when it does not exist (any more). */
  revoke(session_id: string): number {
    const tenant_id = /^ses-(.+)-\d$/.exec(session_id)?.[1];
    if (tenant_id === undefined) return 0;
    const exists = this.#sessionsOf(tenant_id).some((session) => session.session_id === session_id);
    if (exists) this.#revoked.add(session_id);
    return exists ? 1 : 0;
  }

  revokeTenant(tenant_id: string): number {
    const sessions = this.#sessionsOf(tenant_id);
    for (const { session_id } of sessions) this.#revoked.add(session_id);
    return sessions.length;
  }

  #sessionsOf(tenant_id: string): NodeSession[] {
    const mirror = this.#source.mirror;
    if (mirror === null || mirror.cellAt('aggregate', tenant_id, mirror.head) === null) return [];
    const count = 1 + Math.floor(3 * fraction(tenant_id, 7));
    const iso = (hours: number): string => new Date(this.#startedAt + hours * HOUR_MS).toISOString();
    return Array.from({ length: count }, (_, index) => {
      const hash = hashText(`${tenant_id}/${index}`);
      return {
        session_id: `ses-${tenant_id}-${index}`,
        family_id: `fam-${hash.toString(16)}`,
        tenant_id,
        user_id: `user-${hash % 10_000}`,
        created_at: iso(-1 - (hash % 48)),
        last_seen_at: iso(-(hash % 60) / 60),
        expires_at: iso(24 * 7),
        ip: `203.0.113.${hash % 256}`,
        user_agent: USER_AGENTS[hash % USER_AGENTS.length] ?? '',
      };
    }).filter(({ session_id }) => !this.#revoked.has(session_id));
  }
}
