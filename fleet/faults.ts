import { randomUUID } from 'node:crypto';
import { Type, type Static } from 'typebox';

/** Faults that a test or a developer switches on; what each does stands in `fleet/README.md`. */
export const FAULT_KINDS = [
  'drain_stalls',
  'storage_unhealthy',
  'storage_full',
  'high_lag',
  'high_inflight',
  'hang',
  'error_500',
  'garbage',
  'slow',
  'not_ready',
  'restart',
  'never_acknowledges',
  'refuses_resume',
  'wrong_tenant_state',
  'clock_skew',
  'release_regresses',
  'effects_fail',
  'node_down',
  'task_fails',
  'host_down',
  'orchestrator_unreachable',
  'orchestrator_hangs',
  'tenant_attacks',
  'login_attack',
] as const;
export type FaultKind = (typeof FAULT_KINDS)[number];

/** What a fault is of; every other kind is of a node. */
const SUBJECTS: Partial<Record<FaultKind, 'host_id' | 'environment'>> = {
  host_down: 'host_id',
  orchestrator_unreachable: 'environment',
  orchestrator_hangs: 'environment',
  tenant_attacks: 'environment',
  login_attack: 'environment',
};

/**
 * `value`: milliseconds for `slow`, `restart` and `clock_skew` (below 0: behind), a count for `high_lag` and `high_inflight`, percent for
 * `release_regresses`, times for `tenant_attacks`, sign-ins a second for `login_attack`; other faults take none.
 */
export const FaultRequestSchema = Type.Object(
  {
    node_id: Type.Optional(Type.String({ minLength: 1 })),
    host_id: Type.Optional(Type.String({ minLength: 1 })),
    environment: Type.Optional(Type.String({ minLength: 1 })),
    fault: Type.Enum([...FAULT_KINDS]),
    tenant_id: Type.Optional(Type.String({ minLength: 1 })),
    value: Type.Optional(Type.Integer({ minimum: -1_000_000_000, maximum: 1_000_000_000 })),
  },
  { additionalProperties: false },
);
export type FaultRequest = Static<typeof FaultRequestSchema>;

export type Fault = {
  id: string;
  node_id: string | null;
  host_id: string | null;
  environment: string | null;
  fault: FaultKind;
  tenant_id: string | null;
  value: number | null;
};

/** Which field names what a fault of this kind is of. */
export const subjectOf = (kind: FaultKind): 'node_id' | 'host_id' | 'environment' =>
  SUBJECTS[kind] ?? 'node_id';

/** The faults that are on. */
export class FaultBoard {
  readonly #faults = new Map<string, Fault>();

  add(request: FaultRequest): Fault {
    const fault: Fault = {
      id: randomUUID(),
      node_id: request.node_id ?? null,
      host_id: request.host_id ?? null,
      environment: request.environment ?? null,
      fault: request.fault,
      tenant_id: request.tenant_id ?? null,
      value: request.value ?? null,
    };
    this.#faults.set(fault.id, fault);
    return fault;
  }

  remove(id: string): boolean {
    return this.#faults.delete(id);
  }

  clear(): void {
    this.#faults.clear();
  }

  list(): Fault[] {
    return [...this.#faults.values()];
  }

  /** The fault of this kind that was switched on last for its subject; one that names a tenant counts only for that tenant. */
  find(subject: string, kind: FaultKind, tenant_id: string | null = null): Fault | null {
    let found: Fault | null = null;
    for (const fault of this.#faults.values()) {
      const matches = fault.fault === kind && fault[subjectOf(kind)] === subject;
      if (matches && (fault.tenant_id === null || fault.tenant_id === tenant_id)) found = fault;
    }
    return found;
  }

  /** All faults of this kind of the subject. */
  all(subject: string, kind: FaultKind): Fault[] {
    return this.list().filter((fault) => fault.fault === kind && fault[subjectOf(kind)] === subject);
  }
}
